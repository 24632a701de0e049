// npm's prepare and prepack: builds the program where the package is made, by `npm pack`, `npm publish`,
// `npm link` and an installation by git URL. npm runs `prepare` after `npm ci` and `npm install` in the checkout
// as well, where nothing is to happen: it is only the others that say what the package was resolved to.
import { prepare } from "./prepare.mjs";

const { npm_lifecycle_event: event, npm_package_resolved: resolved } = process.env;
if (event === "prepack" || resolved !== undefined) await prepare();
