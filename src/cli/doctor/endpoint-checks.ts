import { messageOf, OrchestratorError } from '../../core/errors.js';
import { chooseModel, LOCAL_ADDRESSES } from '../../services/builtin/chat-models.js';
import { toModelServer } from '../../services/openai.js';
import { listModels } from '../../services/openai-client.js';
import { type Check, fault, ok, warning } from './check.js';

/** How long a configured server is waited for, in milliseconds. */
const PATIENCE_MS = 3000;
/** How long a server that may not be there is waited for, in milliseconds. */
const PROBE_MS = 300;

/** What is sent with a question to a model server. */
interface ModelAccess {
  readonly model?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Whether anything answers at an address. Nothing secret is sent; whatever it answers, it is there. */
export async function checkAddress(subject: string, url: string): Promise<Check> {
  const shown = originOf(url);
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(PATIENCE_MS) });
    await response.body?.cancel();
    return ok(subject, `${shown} answers`);
  } catch (cause) {
    const reason = messageOf((cause as Error).cause ?? cause);
    return fault(subject, `${shown} does not answer: ${reason}`, 'start the server, or mend "url"');
  }
}

/** Whether a model server answers, takes the key and has the model. */
export async function checkModelServer(
  subject: string,
  baseURL: string,
  access: ModelAccess,
): Promise<Check> {
  const shown = originOf(baseURL);
  try {
    const models = await listModels(serverOf(baseURL, access), AbortSignal.timeout(PATIENCE_MS));
    const { model } = access;
    if (model === undefined || models.includes(model))
      return ok(subject, `${shown} answers, ${models.length} models`);
    const some = models.slice(0, 10).join(', ');
    return warning(subject, `${shown} does not list the model "${model}"`, `set "model" to one of: ${some}`);
  } catch (cause) {
    const isAuth = cause instanceof OrchestratorError && cause.code === 'SERVICE_AUTH_REQUIRED';
    return isAuth
      ? fault(
          subject,
          `${shown} refuses the key`,
          'set the variable of "apiKey" to a key that is valid there',
        )
      : fault(
          subject,
          `${shown} does not list its models: ${messageOf(cause)}`,
          'start the server, or mend "baseURL"',
        );
  }
}

/** Which of the usual servers on this machine has a model; only loopback addresses are asked. */
export async function checkLocalModels(
  subject: string,
  {
    model,
    probe = LOCAL_ADDRESSES,
  }: { readonly model?: string | undefined; readonly probe?: readonly string[] | undefined },
): Promise<Check> {
  const local = probe.filter((address) =>
    /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])([:/]|$)/.test(address),
  );
  for (const address of local) {
    const found = await firstModel(address, model);
    if (found !== undefined) return ok(subject, `uses ${found} at ${address}`);
  }
  const mend = 'start a local server such as Ollama, or set builtins.chat.baseURL and model';
  return warning(subject, `finds no model on this machine (asked ${local.join(', ')})`, mend);
}

async function firstModel(address: string, wanted: string | undefined): Promise<string | undefined> {
  try {
    const server = serverOf(`${address.replace(/\/+$/, '')}/v1`, {});
    return chooseModel(await listModels(server, AbortSignal.timeout(PROBE_MS)), wanted);
  } catch {
    // Nothing listens there, or something else does.
    return undefined;
  }
}

function serverOf(baseURL: string, { apiKey, headers }: ModelAccess) {
  return toModelServer(baseURL, {
    apiKey,
    headers,
    maxResultBytes: 1,
    system: undefined,
    temperature: undefined,
  });
}

/** The rest of an address may hold a key. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
