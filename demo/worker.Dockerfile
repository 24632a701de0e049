# A Celery worker with the demo tasks.
FROM python:3.12.11-slim-bookworm
WORKDIR /demo
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY app.py ./
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# "nobody", as a number.
USER 65534:65534
# --events shows the worker's side to Flower and celery-exporter; the daemon does not need it.
CMD ["celery", "--app", "app", "worker", "--loglevel", "INFO", "--concurrency", "4", "--events", "--hostname", "demo@%h"]
