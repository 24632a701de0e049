export { freePort } from "../../src/setup/ports.js";
