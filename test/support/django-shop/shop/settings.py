"""A shop on Django: RabbitMQ, three queues, results in Redis.

SHOP_BROKER_URL, SHOP_RESULTS_URL: the two servers.
"""

import os

SECRET_KEY = "of the tests"
INSTALLED_APPS = ["orders", "images"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True

CELERY_BROKER_URL = os.environ["SHOP_BROKER_URL"]
CELERY_RESULT_BACKEND = os.environ["SHOP_RESULTS_URL"]
CELERY_ACCEPT_CONTENT = ["application/json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "images.tasks.*": {"queue": "images"},
    "orders.tasks.send_confirmation": "mail",
}
CELERY_TASK_TIME_LIMIT = 20
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
