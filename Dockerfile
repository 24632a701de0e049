# celery-load-exporter: the daemon. Mount its configuration at /etc/celery-load/load.yml, or give other arguments:
#   docker run --rm -p 127.0.0.1:9809:9809 IMAGE run --broker redis://redis:6379/0 --task app.tasks.add --rate 5/s
# Any engine builds it, BuildKit or not: no RUN --mount.

# The last release of Node 20, with which the tests run. Newer ones: --build-arg NODE_VERSION=…
ARG NODE_VERSION=20.20.2

FROM node:${NODE_VERSION}-bookworm-slim AS build
# A mirror of your own: --build-arg NPM_CONFIG_REGISTRY=…
ARG NPM_CONFIG_REGISTRY=https://registry.npmjs.org/
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/page.mjs ./scripts/page.mjs
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim
# What celery_load_build_info says: --build-arg COMMIT="$(git rev-parse HEAD)"
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="celery-load-exporter" \
      org.opencontainers.image.description="A load daemon for Celery: constant or stepped traffic, every task measured, on /metrics" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT}"
ENV NODE_ENV=production CELERY_LOAD_COMMIT=${COMMIT}
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY --from=build /app/dist/page ./dist/page
COPY package.json LICENSE ./
COPY grafana ./grafana
COPY prometheus ./prometheus
# The base image's user "node" as a number: Kubernetes' runAsNonRoot cannot check a name.
USER 1000:1000
EXPOSE 9809
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9809/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1, so that SIGTERM reaches the daemon and it can wait for what is in flight.
ENTRYPOINT ["node", "--enable-source-maps", "/app/dist/src/main.js"]
CMD ["run", "/etc/celery-load/load.yml"]
