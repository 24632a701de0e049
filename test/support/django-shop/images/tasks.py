from celery import shared_task


@shared_task
def resize(image=1):
    return image
