import type { ConnectionRole } from "../connections/ports.js";
import type { Problem } from "../http/app.js";

interface State {
  isUp: boolean;
  wasEverUp: boolean;
  cause: string;
}

const ROLES: readonly ConnectionRole[] = ["broker", "backend"];

/** What the main thread knows of the engine's connections: for /readyz and the log. */
export class ConnectionStates {
  readonly #names: readonly string[];
  readonly #states: Map<string, State>;
  readonly #blocked = new Set<number>();

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#states = new Map(
      names.flatMap((_, index) =>
        ROLES.map((role) => [
          `${index}:${role}`,
          { isUp: false, wasEverUp: false, cause: "not connected yet" },
        ]),
      ),
    );
  }

  up(connection: number, role: ConnectionRole): void {
    const state = this.#state(connection, role);
    state.isUp = true;
    state.wasEverUp = true;
  }

  down(connection: number, role: ConnectionRole, cause: string): void {
    const state = this.#state(connection, role);
    state.isUp = false;
    state.cause = cause;
  }

  blocked(connection: number, isBlocked: boolean): void {
    if (isBlocked) this.#blocked.add(connection);
    else this.#blocked.delete(connection);
  }

  isUp(connection: number, role: ConnectionRole): boolean {
    return this.#state(connection, role).isUp;
  }

  wasEverUp(connection: number, role: ConnectionRole): boolean {
    return this.#state(connection, role).wasEverUp;
  }

  /** The connections that are down, with the reason. */
  problems(): Problem[] {
    return this.#names.flatMap((connection, index) =>
      ROLES.filter((role) => !this.#state(index, role).isUp).map((role) => ({
        connection,
        role,
        message: this.#state(index, role).cause,
      })),
    );
  }

  /** What is up and does not work as it should. */
  degradations(): Problem[] {
    return [...this.#blocked].map((index) => ({
      connection: this.#names[index]!,
      role: "broker",
      message: "degraded: the broker blocks publishers (memory or disk alarm)",
    }));
  }

  #state(connection: number, role: ConnectionRole): State {
    return this.#states.get(`${connection}:${role}`)!;
  }
}
