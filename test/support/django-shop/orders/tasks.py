from celery import shared_task


@shared_task
def add_up(prices=(1, 2)):
    return sum(prices)


@shared_task
def send_confirmation(order):
    """Nobody may ever see it run: it stands for what costs money or nerves."""
    raise RuntimeError("a mail went out")


@shared_task(rate_limit="20/s")
def recount(order=1):
    return order
