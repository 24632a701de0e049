import type { Server } from "node:http";
import type { Express } from "express";
import { type Address, isInUse, listen } from "../app.js";

/** Where orders are to be taken, as `control` of the configuration says. */
export interface ControlListen {
  /** null: nowhere. */
  readonly listen: Address | null;
  /** The address was written, not the default. */
  readonly isListenChosen: boolean;
}

/**
 * Starts to take orders. A default port that is taken must not end a run that asked for no control: `onTaken` is told
 * instead, and the run goes on without.
 * @returns null when no orders are taken
 * @throws {UserError} when an address that was written cannot be listened on
 */
export async function listenForControl(
  app: Express,
  { listen: address, isListenChosen }: ControlListen,
  onTaken: (address: Address) => void,
): Promise<Server | null> {
  if (address === null) return null;
  try {
    return await listen(app, address, { flag: "--control", key: "control.listen" });
  } catch (error) {
    if (isListenChosen || !isInUse(error)) throw error;
    onTaken(address);
    return null;
  }
}
