// What both judges share: the sandbox they judge, a browser for the person, and a way to report.

export const sandbox = JSON.parse(process.env.SANDBOX);
export const authority = `${sandbox.authority}/${sandbox.tenant}`;
export const redirectUri = "http://localhost:8000/connect/get_token/"; // nobody listens there

// One line of JSON for each step; the Python test reads them.
export function saw(step, found) {
  console.log(JSON.stringify({ step, ...found }));
}

// Run what must be refused, and return the refusal.
export async function refused(promise) {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome.status === "rejected") return outcome.reason;
  throw new Error("it was not refused");
}

export class Browser {
  #cookies = new Map();

  // Sign in and consent; return the address that the app gets, or the fields of form_post.
  async signIn(address, answers = { user: sandbox.user, consent: "accept" }) {
    const arrived = await this.#walk(await this.#ask(address), answers);
    return arrived.location ?? hiddenFields(arrived.page);
  }

  // Enter a device's code, sign in and consent.
  async allowDevice(address, code) {
    const page = await this.#press(await this.#ask(address), { code });
    await this.#walk(page, { user: sandbox.user, consent: "accept" });
  }

  // Follow redirects and press buttons until the app's address, or a page without either.
  async #walk(answer, answers) {
    for (let steps = 0; steps < 12; steps++) {
      if (answer.location) {
        if (!answer.location.startsWith(sandbox.authority)) return answer;
        answer = await this.#ask(answer.location);
        continue;
      }
      const name = Object.keys(answers).find((one) => answer.page.includes(`name="${one}"`));
      if (!name) return answer;
      answer = await this.#press(answer, { [name]: answers[name] });
    }
    throw new Error(`the pages at ${answer.address} never end`);
  }

  #press(answer, fields) {
    return this.#ask(answer.address, { ...hiddenFields(answer.page), ...fields });
  }

  async #ask(address, fields) {
    const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const sent = fields && { method: "POST", body: new URLSearchParams(fields) };
    const answer = await fetch(address, { ...sent, headers: { cookie }, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      this.#cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    const target = location && new URL(location, address).href;
    return { address, location: target, page: await answer.text() };
  }
}

function hiddenFields(page) {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...inputs].map(([, name, value]) => [name, unescaped(value)]));
}

function unescaped(text) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"' };
  const character = (_, name, code) => named[name] ?? String.fromCodePoint(Number(code));
  return text.replace(/&(?:(amp|lt|gt|quot)|#(\d+));/g, character);
}

// Call Graph with a token, without any library.
export function graph(path, accessToken, body) {
  const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
  const sent = body && { method: "POST", body: JSON.stringify(body) };
  return fetch(`${sandbox.graph}/v1.0${path}`, { headers, ...sent });
}

export function mail(subject) {
  const toRecipients = [{ emailAddress: { address: sandbox.user } }];
  const body = { contentType: "Text", content: "Sent by a judge from npm." };
  return { subject, body, toRecipients };
}
