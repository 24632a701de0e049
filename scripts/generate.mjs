// Writes every file that is generated from the code. Run it after `npm run build`.
//   node scripts/generate.mjs            writes the files
//   node scripts/generate.mjs --check    writes nothing; exits 1 and names the files that have drifted
//   --out DIR                            works on DIR instead of this repository
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** A row for each generated file: where it is, and what must be in it. */
const generatedFiles = [
  ...(await dashboardFiles()),
  {
    path: "prometheus/rules.yml",
    async text() {
      const { rulesText } = await built("src/rules/rules-file.js");
      return rulesText("prometheus");
    },
  },
  {
    path: "docs/metrics.md",
    async text() {
      const { metricsPage } = await built("src/docs/metrics-page.js");
      return metricsPage();
    },
  },
  {
    path: "docs/configuration.md",
    async text() {
      const { configurationPage } = await built("src/docs/configuration-page.js");
      return configurationPage();
    },
  },
  {
    path: "docs/mistakes.md",
    async text() {
      const { mistakesPage } = await built("src/docs/mistakes-page.js");
      return mistakesPage();
    },
  },
  {
    path: "docs/doctor.md",
    async text() {
      const { doctorPage } = await built("src/docs/doctor-page.js");
      return doctorPage();
    },
  },
  {
    path: "docs/celery-load.1",
    async text() {
      const { commandLine, DEFAULT_COMMAND } = await built("src/command-line.js");
      const { describeCommand } = await built("src/describe-commands.js");
      const { manPage } = await built("src/cli/man-page.js");
      const { version } = await built("src/version.js");
      return manPage(
        describeCommand(
          commandLine(() => {}),
          DEFAULT_COMMAND,
        ),
        version,
      );
    },
  },
  {
    path: "docs/configuration.schema.json",
    async text() {
      const { editorSchema } = await built("src/config/editor-schema.js");
      return `${JSON.stringify(editorSchema(), null, 2)}\n`;
    },
  },
  {
    path: "docs/report.schema.json",
    async text() {
      const { reportJsonSchema } = await built("src/reports/files/report-schema.js");
      return `${JSON.stringify(reportJsonSchema(), null, 2)}\n`;
    },
  },
  {
    path: "docs/openapi.json",
    async text() {
      const { openApiDocument } = await built("src/http/control/openapi.js");
      return `${JSON.stringify(openApiDocument({ hasOrders: true }), null, 2)}\n`;
    },
  },
  {
    // From what the last runs of the matrix found, which `npm run matrix` alone changes.
    path: "docs/compatibility.md",
    async text() {
      const { compatibilityPage } = await built("test/matrix/page.js");
      const { readResults } = await built("test/matrix/results.js");
      return compatibilityPage(await readResults());
    },
  },
];

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const { values: flags } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    out: { type: "string", default: repository },
  },
});

const drifted = [];
for (const file of generatedFiles) {
  const text = await file.text();
  if ((await existingText(file.path)) === text) continue;
  drifted.push(file.path);
  if (!flags.check) await write(file.path, text);
}
report();

function report() {
  if (!flags.check) {
    for (const path of drifted) console.log(`wrote ${path}`);
    if (drifted.length === 0) console.log("every generated file was up to date");
    return;
  }
  if (drifted.length === 0) return;
  for (const path of drifted) console.error(`${path} differs from what the code generates.`);
  console.error("Run `npm run generate` and commit the result.");
  process.exitCode = 1;
}

/** A file for each dashboard, named by its uid. */
async function dashboardFiles() {
  const { allDashboards } = await built("src/dashboards/boards.js");
  const { dashboardText } = await built("src/dashboards/classic-json.js");
  return allDashboards().map((dashboard) => ({
    path: `grafana/dashboards/${dashboard.uid}.json`,
    text: async () => dashboardText(dashboard),
  }));
}

async function existingText(path) {
  try {
    return await readFile(resolve(flags.out, path), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function write(path, text) {
  const target = resolve(flags.out, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
}

async function built(path) {
  try {
    return await import(new URL(`../dist/${path}`, import.meta.url).href);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(`Cannot generate files: ${error.message}. Run \`npm run build\` first.`);
  }
}
