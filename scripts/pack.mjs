// npm's prepare and prepack: builds the program where the package is made, by `npm pack`, `npm publish`,
// `npm link` and an installation by git URL. npm runs `prepare` after `npm ci` and `npm install` in the checkout
// as well, where nothing is to happen: it is only the others that say what the package was resolved to.
import { prepare } from "./prepare.mjs";

const {
  npm_lifecycle_event: event,
  npm_package_resolved: resolved,
  npm_config_global: isGlobal,
  npm_config_install_links: copiesLinks,
  _PACOTE_NO_PREPARE_: gitUrls = "",
} = process.env;

/**
 * npm 7 to 11 prepare a clone with the settings of the whole command: with --global they install the clone as a
 * link, and then remove the clone. Without this the command would succeed, with nothing at the end of the link.
 */
const [gitUrl] = gitUrls.split("\n").slice(-1);
if (gitUrl !== "" && isGlobal === "true" && copiesLinks !== "true") {
  console.error(`
celery-load-exporter: npm cannot install globally by git URL what has to be built first (github.com/npm/cli/issues/6984).
Make a package of it, and install that:
  npm install --global "./$(npm pack --silent '${gitUrl}')"
`);
  process.exit(1);
}

if (event === "prepack" || resolved !== undefined) await prepare();
