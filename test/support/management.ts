import { freePort } from "../../src/setup/ports.js";
import type { TestRabbitmq } from "./rabbitmq.js";

/** Switches RabbitMQ's plugin rabbitmq_management on in a node that runs. Returns its port. */
export async function startManagement(rabbitmq: TestRabbitmq): Promise<number> {
  const port = await freePort();
  await rabbitmq.ctl(
    "eval",
    `application:set_env(rabbitmq_management, tcp_config, [{port, ${port}}, {ip, "127.0.0.1"}]),
     File = rabbit_plugins:enabled_plugins_file(),
     ok = file:write_file(File, "[rabbitmq_management]."),
     rabbit_plugins:ensure(File).`,
  );
  return port;
}
