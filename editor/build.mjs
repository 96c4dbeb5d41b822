// Bundles entry.js into static/vendor/codemirror.js, with the licences of what went in beside it.
// `--check` builds in memory and fails when the committed files differ: run `npm ci` first.
import { build } from "esbuild";
import { readFile, writeFile, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const vendor = join(here, "..", "static", "vendor");

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: ["entry.js"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    write: false,
    banner: { js: "/* CodeMirror 6, built by editor/build.mjs; do not edit. Licences: LICENSES.txt */" },
  });
  return { code: result.outputFiles[0].text, inputs: Object.keys(result.metafile.inputs) };
}

/** The folder of the package that a bundled file came from. */
function packageOf(input) {
  const parts = input.split("node_modules/").at(-1).split("/");
  return parts[0].startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

async function licences(inputs) {
  const names = [...new Set(inputs.filter((input) => input.includes("node_modules/")).map(packageOf))].sort();
  const texts = await Promise.all(names.map(licenceOf));
  return `codemirror.js holds code of these packages, unchanged but for bundling.\n\n${texts.join("\n")}`;
}

async function licenceOf(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} ships no licence text`);
  return `---- ${name} ${version} (${license}) ----\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
}

async function same(path, text) {
  return (await readFile(path, "utf8").catch(() => null)) === text;
}

const { code, inputs } = await bundle();
const files = { "codemirror.js": code, "LICENSES.txt": await licences(inputs) };
for (const [name, text] of Object.entries(files)) {
  const path = join(vendor, name);
  if (!process.argv.includes("--check")) {
    await mkdir(vendor, { recursive: true });
    await writeFile(path, text);
  } else if (!(await same(path, text))) {
    console.error(`static/vendor/${name} is not what editor/ builds. Run \`npm ci && npm run build\` in editor/ and commit it.`);
    process.exitCode = 1;
  }
}
