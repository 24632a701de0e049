/**
 * What Celery's result backends are called that store a result and tell nobody, so that it has to be
 * asked for again and again (`celery/app/backends.py BACKEND_ALIASES`, and the two of django-celery-results).
 */
const SILENT: ReadonlyMap<string, string> = new Map([
  ["db", "a database"],
  ["database", "a database"],
  ["django-db", "Django's database"],
  ["django-cache", "Django's cache"],
  ["cache", "Memcached"],
  ["memcache", "Memcached"],
  ["memcached", "Memcached"],
  ["file", "the file system"],
  ["filesystem", "the file system"],
  ["mongodb", "MongoDB"],
  ["elasticsearch", "Elasticsearch"],
  ["cassandra", "Cassandra"],
  ["couchbase", "Couchbase"],
  ["couchdb", "CouchDB"],
  ["cosmosdbsql", "Cosmos DB"],
  ["riak", "Riak"],
  ["consul", "Consul"],
  ["dynamodb", "DynamoDB"],
  ["azureblockblob", "Azure Blob Storage"],
  ["arangodb", "ArangoDB"],
  ["s3", "S3"],
  ["gs", "Google Cloud Storage"],
]);

/** A backend by its class, `celery.backends.database:DatabaseBackend`: its module says which it is. */
const CLASS_PATH = /^(celery|django_celery_results)\.backends[.:](\w+)/;

/** Where the module is called otherwise than the backend; Django's classes are in their package as well. */
const MODULES: ReadonlyMap<string, string> = new Map([
  ["base", "disabled"],
  ["gcs", "gs"],
  ["django_celery_results.database", "django-db"],
  ["django_celery_results.cache", "django-cache"],
  ["django_celery_results.databasebackend", "django-db"],
  ["django_celery_results.cachebackend", "django-cache"],
]);

/**
 * Celery's short name of a result backend: what it is called by, the scheme of a URL, or the class
 * (`celery/app/backends.py by_url`, `by_name`). In lower case; it may be none that exists.
 */
export function backendName(backend: string): string {
  // `db+postgresql` and `cache+memcached` are told by what stands before the +.
  const name = backend.split("://", 1)[0]!.split("+", 1)[0]!.toLowerCase();
  const [, origin = "", module] = CLASS_PATH.exec(name) ?? [];
  if (module === undefined) return name;
  return MODULES.get(`${origin}.${module}`) ?? MODULES.get(module) ?? module;
}

/**
 * Why no outcome can be learned from a result backend, as a sentence without its full stop; undefined
 * when it is none of those. Takes what Celery takes as `result_backend`: a URL, a name or a class.
 */
export function silenceOf(backend: string): string | undefined {
  const store = SILENT.get(backendName(backend));
  return store && `${store} as result backend tells nobody when a result is there`;
}
