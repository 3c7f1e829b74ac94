import { isTruthy } from '../encoding/python-values.js';
import { commitMethods } from './commit-methods.js';
import { historyMethods } from './history-methods.js';
import { type Method, method } from './method.js';
import { missingMethods } from './missing-methods.js';
import { readMethods } from './read-methods.js';

/** Every method that a registered client may call; any other name ends the connection. */
export const methods: ReadonlyMap<string, Method> = new Map([
  ...Object.entries(readMethods),
  ...Object.entries(historyMethods),
  ...Object.entries(commitMethods),
  ...Object.entries(missingMethods),
]);

/** The only method before the registration. */
export const methodsBeforeRegistration: ReadonlyMap<string, Method> = new Map([
  [
    'register',
    method('storage_id read_only', (client, args) => client.register(args.any(0), isTruthy(args.any(1)))),
  ],
]);
