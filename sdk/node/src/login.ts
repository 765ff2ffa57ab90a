// Logs a person in from a local program: OAuth 2.0 with PKCE, back to a port of this machine.

import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const PATH = "/callback";
const PAGE =
  "<!doctype html><meta charset=utf-8><title>XRouter</title>" +
  "<p>Готово, окно можно закрыть. You may close this window.";

/** The person said no, did not come back in time, or the service refused the code. */
export class LoginFailed extends Error {
  override name = "LoginFailed";
}

/** An access token: what `new XRouter({ apiKey })` takes. `expiresIn` are seconds. */
export interface Token {
  accessToken: string;
  scopes: string[];
  expiresIn: number;
}

export interface LoginOptions {
  /** A public application that has the redirect address `http://127.0.0.1/callback`; any port goes with it. */
  clientId: string;
  baseURL: string;
  /** Is given the address of the consent page, to open it or to print it. */
  show: (address: string) => unknown;
  scopes?: ("chat" | "usage" | "keys")[];
  /** 0 takes a free one. */
  port?: number;
  timeoutMs?: number;
}

/** Show the consent page and return the token that the person lets the program have. Throws LoginFailed. */
export async function login(options: LoginOptions): Promise<Token> {
  const { clientId, show, scopes = ["chat"], port = 0, timeoutMs = 300_000 } = options;
  const verifier = randomBytes(48).toString("base64url");
  const state = randomBytes(24).toString("base64url");
  const origin = new URL(options.baseURL).origin;
  const server = createServer();
  try {
    await listen(server, port);
    const redirect = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
    const code = waitForCode(server, state, timeoutMs);
    const query = new URLSearchParams({
      response_type: "code",
      client_id: clientId,
      redirect_uri: redirect,
      scope: scopes.join(" "),
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    });
    await show(`${origin}/oauth/authorize?${query}`);
    const form = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: clientId,
      code: await code,
      redirect_uri: redirect,
      code_verifier: verifier,
    });
    const response = await fetch(`${origin}/oauth/token`, { method: "POST", body: form });
    const text = await response.text();
    if (!response.ok) throw new LoginFailed(`${response.status}: ${text.slice(0, 2000)}`);
    const granted = JSON.parse(text) as { access_token: string; scope: string; expires_in: number };
    return {
      accessToken: granted.access_token,
      scopes: granted.scope.split(" "),
      expiresIn: granted.expires_in,
    };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

/** Wait for the browser to come back with a code and our state, and for no other visit. */
function waitForCode(server: Server, state: string, timeoutMs: number): Promise<string> {
  const code = new Promise<string>((resolve, reject) => {
    const late = () => reject(new LoginFailed("Nobody came back from the consent page in time."));
    const timer = setTimeout(late, timeoutMs);
    server.on("request", (request, response) => {
      const address = new URL(request.url ?? "/", "http://127.0.0.1");
      const fields = address.searchParams;
      if (address.pathname !== PATH || fields.get("state") !== state) {
        response.writeHead(404).end();
        return;
      }
      clearTimeout(timer);
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", Connection: "close" });
      response.end(PAGE, () => {
        const found = fields.get("code");
        if (found) resolve(found);
        else reject(new LoginFailed(fields.get("error_description") ?? fields.get("error") ?? ""));
      });
    });
  });
  code.catch(() => undefined); // whoever waits hears of it
  return code;
}
