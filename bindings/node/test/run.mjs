// Builds the package and runs all of its tests: node bindings/node/test/run.mjs. The build folder is BUILD (build).
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const source = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const root = path.resolve(source, '../..');
const build = path.resolve(process.env.BUILD ?? path.join(root, 'build'));
const folder = path.join(build, 'bindings/node');

function run(args, options) {
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

run([path.join(source, 'build.js'), '--out', folder]);
const tests = fs.readdirSync(path.join(folder, 'test')).filter((name) => name.endsWith('.test.mjs')).sort();
run(['--test', ...tests], {
  timeout: 300_000,
  cwd: path.join(folder, 'test'),
  env: { ...process.env, DOG_INCLUDE: process.env.DOG_INCLUDE ?? path.join(root, 'include') },
});
