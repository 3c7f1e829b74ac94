// With `--import`, makes a process in which `@opentelemetry/api` seems not to be installed. The error is Node's, or with
// `?yarn` that of Yarn Plug'n'Play. With `?broken` the package is installed, but one of its modules is missing.
import { register } from 'node:module';

const { searchParams } = new URL(import.meta.url);
const code = searchParams.has('yarn') ? 'MODULE_NOT_FOUND' : 'ERR_MODULE_NOT_FOUND';
const isBroken = searchParams.has('broken');

const hooks = `
function missing(name, parent) {
  const message = "Cannot find package '" + name + "' imported from " + parent;
  return Object.assign(new Error(message), { code: '${code}' });
}
export async function resolve(specifier, context, next) {
  if (${isBroken} || !specifier.startsWith('@opentelemetry/')) return next(specifier, context);
  throw missing(specifier, context.parentURL);
}
export async function load(url, context, next) {
  if (${!isBroken} || !url.includes('/@opentelemetry/api/')) return next(url, context);
  throw missing('its own', url);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
