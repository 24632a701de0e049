# celery-load-exporter: the daemon. Mount its configuration at /etc/celery-load/load.yml, or give other arguments:
#   docker run --rm -p 9809:9809 IMAGE run --broker redis://redis:6379/0 --task app.tasks.add --rate 5/s

FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM node:20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY package.json ./
COPY grafana ./grafana
COPY prometheus ./prometheus
USER node
EXPOSE 9809
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9809/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1, so that SIGTERM reaches the daemon and it can wait for what is in flight.
ENTRYPOINT ["node", "--enable-source-maps", "/app/dist/src/main.js"]
CMD ["run", "/etc/celery-load/load.yml"]
