/**
 * A configuration that has every key once at least: shown as a whole in docs/configuration.md, whose
 * tables take their examples from it. A test holds it against the schema.
 */
export const EXAMPLE_CONFIGURATION = `connections:
  main:
    broker: \${CELERY_BROKER_URL:-redis://127.0.0.1:6379/0}
    backend: \${CELERY_RESULT_BACKEND:-redis://127.0.0.1:6379/1}
    client: direct
    forget: true
    events: auto
    sendTaskSentEvents: true
    options:
      priority_steps: [0, 3, 6, 9]
      sep: ":"
      global_keyprefix: shop-
      fanout_prefix: true
      fanout_patterns: true
      ack_emulation: true
      unacked_key: unacked
      control_exchange: shop
      event_exchange: shop-events
      event_queue_prefix: shop-events
      socket_timeout: 30
      socket_connect_timeout: 3
      socket_keepalive: true
      health_check_interval: 10
      client_name: shop-load
    backendOptions:
      global_keyprefix: shop
      socket_timeout: 30
      socket_connect_timeout: 3
      socket_keepalive: true
      health_check_interval: 10
      client_name: shop-load
    allow:
      hosts: [127.0.0.1, redis.staging]
  secure:
    broker: sentinel://:\${REDIS_PASSWORD:-secret}@sentinel-1:26379/0;sentinel://sentinel-2:26379/0
    tls:
      caFile: ca.pem
      certFile: client.pem
      keyFile: client.key
      serverName: redis.internal
      verify: true
    options:
      master_name: mymaster
      sentinel_kwargs:
        username: load
        password: \${SENTINEL_PASSWORD:-secret}
        ssl: true
    backendOptions:
      master_name: results
      sentinel_kwargs:
        username: load
        password: \${SENTINEL_PASSWORD:-secret}
        ssl: true
  rabbit:
    broker: amqp://load:\${RABBITMQ_PASSWORD:-secret}@rabbitmq:5672/shop
    management: http://load:\${RABBITMQ_PASSWORD:-secret}@rabbitmq:15672
    options:
      heartbeat: 30
      connect_timeout: 3
      login_method: PLAIN
      frame_max: 131072
      client_properties: { team: shop }
  cluster:
    broker:
      - amqp://load:\${RABBITMQ_PASSWORD:-secret}@rabbitmq-1:5672/shop
      - amqp://load:\${RABBITMQ_PASSWORD:-secret}@rabbitmq-2:5672/shop
  passwords:
    broker: { url: "amqp://load@rabbitmq:5672/shop", passwordFile: /run/secrets/rabbitmq }
    backend: { url: "redis://results:6379/0", passwordFile: /run/secrets/redis }
    management: { url: "http://load@rabbitmq:15672", passwordFile: /run/secrets/rabbitmq }
  urls:
    broker: { urlFile: /run/secrets/broker_url }
    backend: { urlFile: /run/secrets/result_backend }
    management: { urlFile: /run/secrets/management_url }
  sentinels:
    broker: { url: "sentinel://sentinel-1:26379/0", passwordFile: /run/secrets/redis }
    options:
      master_name: mymaster
      sentinel_kwargs: { passwordFile: /run/secrets/sentinel }
    backendOptions:
      sentinel_kwargs: { passwordFile: /run/secrets/sentinel }

tasks:
  resize:
    name: app.tasks.resize
    args: [1, "{{ uuid }}"]
    kwargs: { width: "{{ choice(320, 640, 1280) }}" }
    queue: images
    priority: 3
    timeout: 30s
    expires: 10m
    headers: { tenant: load }
    link: [thumb]
    linkError: [{ task: report, immutable: true }]
  gallery:
    chain: [thumb, { group: [thumb, thumb] }]
    timeout: 2m
  album:
    group: [thumb, thumb]
  collage:
    chord: { header: [thumb, thumb], body: report }
  thumb:
    name: app.tasks.thumb
    args: ["{{ int(1, 1000) }}"]
    expires: none
    urgency: 9
    countdown: 5s
    timeLimit: 30s
    softTimeLimit: 25s
    retries: 1
    ignoreResult: false
    shadow: thumb-load
    stamps: { campaign: soak }
    argsrepr: (...)
    kwargsrepr: "{...}"
    serializer: msgpack
    compression: zlib
    deliveryMode: transient
  report:
    name: app.tasks.report
    exchange: reports
    routingKey: reports.daily
    countdown: 30s
    nativeDelayedDelivery: true
  welcome:
    name: app.tasks.welcome
    data: customers
    args: ["{{ row.user_id }}"]
    kwargs: { customer: "{{ row | json }}" }
  invoice:
    name: app.tasks.invoice
    payload: ./invoice.mjs
    data: customers
  legacy:
    name: app.tasks.legacy
    eta: 2030-01-02T03:04:05Z
    expires: none
    protocol: 1
    expect: { result: done }

data:
  customers:
    file: customers.csv
    take: inOrder
    format: csv
    types: { zip: text }

scenarios:
  steady:
    connection: main
    profile: 20/s
    arrival: poisson
    mix: { resize: 3, thumb: 1 }
    startAfter: 5s
    warmup: 30s
    duration: 2h
    maxInFlight: 2000
    lease: 30s
    gracefulStop: 10s
  stepped:
    profile:
      steps: [20/s for 10m, 100/s for 10m, 0/s for 2m]
      repeat: true
    connection: main
    mix: [resize, thumb]
    choose: random
  ramped:
    profile:
      ramp:
        from: 5/s
        stages:
          - { to: 200/s, over: 15m }
          - { hold: 1h }
    connection: main
    mix: thumb
  daily:
    profile: { sine: { mean: 20/s, amplitude: 15/s, period: 24h, peakAt: 14:00 Europe/Berlin } }
    connection: main
    mix: thumb
  shoppers:
    profile: { users: 50, spawnRate: 10/s, wait: [100ms, 500ms], maxRate: 200/s }
    connection: main
    mix: thumb
  logged-in:
    profile: { users: 20, wait: [1s, 3s] }
    script: ./logged-in.mjs
    data: customers
    connection: main
    mix: [welcome, invoice]
  more-and-more:
    profile: { users: { from: 10, stages: [{ to: 100, over: 30m }, { hold: 1h }] }, wait: 2s }
    connection: main
    mix: thumb
  rush:
    profile: { users: [20 for 10m, 50 for 5m], repeat: true, wait: [1s, 3s] }
    connection: main
    mix: thumb
  deep:
    profile: { backlog: { queue: images, min: 0, max: 500, period: 10m, maxRate: 200/s } }
    connection: main
    mix: resize
  filled:
    profile: { topUp: { to: 200/s, queue: images } }
    connection: main
    mix: resize
  again:
    profile: { replay: { file: arrivals.csv, speed: 2, loop: true, maxGap: 10m } }
    connection: main
    mix: [resize, thumb]
  weekly:
    profile:
      week:
        zone: Europe/Berlin
        default: 5/s
        mon-fri: { "09:00": 60/s, "12:00": 40/s, "18:00": 10/s }
        sat: { "10:00": 20/s, "16:00": 5/s }
        steps: false
    windows: { zone: Europe/Berlin, on: [mon-fri 06:00-22:00], off: [12:00-13:00], except: [2026-12-24] }
    connection: main
    mix: thumb

defaults:
  tasks: { timeout: 90s, headers: { source: load-test } }
  scenarios: { gracefulStop: 20s }

slos:
  - { name: thumb-latency, scenario: steady, task: app.tasks.thumb, objective: 99%, latency: 2s, window: 30d }
  - { name: steady-success, scenario: steady, objective: 99.9% }
thresholds:
  - p95(app.tasks.thumb) < 800ms
  - { check: "failed(scenario:steady) < 1%", abort: true, after: 30s }
guards:
  - { name: deep-queue, watch: queueLength, queue: images, connection: main, above: 50000, for: 10s, resumeBelow: 10000, coolDown: 1m, do: pause, scenarios: [steady] }
  - { name: slow-thumbs, watch: latency, scenario: steady, task: app.tasks.thumb, quantile: 99%, above: 5s, do: warn }
  - { name: default-broker-memory, above: 80%, resumeBelow: 70% }

server:
  listen: 127.0.0.1:9809
  hosts: [load.example.com]
  linger: 30s
control:
  listen: 127.0.0.1:9810
  tokenFile: /run/secrets/control_token
limits:
  maxRate: 2000/s
  maxInFlight: 50000
  burst: 1000
  tasksPerDay: 5000000
  series: 20000
buckets: [10ms, 50ms, 100ms, 500ms, 1s, 5s, 30s]
state:
  file: state.json
driftWindow: 24h
seed: 42
tick: none
threads: 2
segment: 1/1
`;
