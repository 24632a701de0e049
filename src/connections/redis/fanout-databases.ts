import type { RedisAddress } from "../../celery/urls/redis-url.js";

/**
 * What may stand for the database in the channels of fanout exchanges: behind Sentinel kombu before 5.4
 * leaves `{db}` as it is, and both kinds of workers may be there.
 */
export function databasesOf({ db, sentinel }: RedisAddress): (number | "{db}")[] {
  return sentinel === undefined ? [db] : [db, "{db}"];
}
