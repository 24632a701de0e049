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

/**
 * Why no outcome can be learned from a result backend, as a sentence without its full stop; undefined
 * when it is none of those. Takes what Celery takes as `result_backend`: a URL or a bare name.
 */
export function silenceOf(backend: string): string | undefined {
  // `db+postgresql` and `cache+memcached` are told by what stands before the +.
  const name = backend.split("://", 1)[0]!.split("+", 1)[0]!.toLowerCase();
  const store = SILENT.get(name);
  return store && `${store} as result backend tells nobody when a result is there`;
}
