// Calls of the gateway: what the page and the documentation's forms share.

export const apiKey = {
  get: () => sessionStorage.getItem("key") ?? "",
  set: (key) => sessionStorage.setItem("key", key),
};

export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(body?.detail ?? `The gateway answered with status ${status}.`);
    this.status = status;
    this.reason = body?.reason ?? "";
    this.retryAfter = retryAfter;
    this.deadline = body?.deadline_s ?? null;
  }
}

const unreachable = () => new Refused(0, { detail: "There is no connection to the gateway.", reason: "unreachable" });

function headers() {
  const key = apiKey.get();
  return key ? { authorization: `Bearer ${key}` } : {};
}

export async function get(url, signal) {
  let response;
  try {
    response = await fetch(url, { headers: headers(), signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  }
  if (!response.ok) throw refusal(response.status, await response.text(), response.headers.get("retry-after"));
  return response;
}

export const remove = (url) => fetch(url, { method: "DELETE", headers: headers(), keepalive: true }).catch(() => {});

function refusal(status, text, retryAfter) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // a proxy's page instead of our JSON: the status has to do
  }
  return new Refused(status, body, Number(retryAfter) || null);
}

// XMLHttpRequest, because fetch does not tell how much of an upload has gone out.
export function post(url, file, options, { onUpload, signal, type = "blob" } = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  form.append("image", file, file.name || "photo");
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.responseType = type;
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    if (onUpload) request.upload.onprogress = (event) => event.lengthComputable && onUpload(event.loaded / event.total);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onload = async () => {
      if (request.status < 400) return resolve(request);
      const text = type === "blob" ? await request.response.text() : request.responseText;
      reject(refusal(request.status, text, request.getResponseHeader("retry-after")));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

// Follow a job to its end: server-sent events over fetch, since EventSource cannot send an API key.
export async function follow(job, onState, signal) {
  for (let failures = 0; ; failures++) {
    try {
      for await (const state of events(job.events_url, signal)) {
        failures = 0;
        onState(state);
        if (!["waiting", "running"].includes(state.state)) return state;
      }
    } catch (error) {
      if (error.name === "AbortError" || (error.status >= 400 && error.status < 500) || failures > 5) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function* events(url, signal) {
  const reader = (await get(url, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}
