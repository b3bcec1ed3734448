// The documentation, written from /v1/tasks and /openapi.json: nothing to keep in step by hand.

import { apiKey, get, post } from "./api.js";
import { chosen, element, optionForm } from "./options.js";

const base = new URL(".", location.href).href.replace(/\/$/, "");
const $ = (id) => document.getElementById(id);
const text = (tag, words) => element(tag, { textContent: words });

const [catalogue, openapi] = await Promise.all(["v1/tasks", "openapi.json"].map(async (url) => (await get(url)).json()));
$("key-note").hidden = !catalogue.api_key_needed;
$("key").value = apiKey.get();
$("key").addEventListener("change", () => apiKey.set($("key").value));
for (const task of catalogue.tasks) $("tasks").append(article(task, openapi.paths[task.path.slice(task.path.indexOf("/v1/"))].post));
$("paths").append(paths());

function article(task, operation) {
  const examples = Object.values(operation.requestBody.content["multipart/form-data"].examples ?? {});
  const values = { ...(examples[0]?.value ?? {}) };
  delete values.image;
  return element(
    "article", { id: task.name },
    element("h2", {}, `${task.title} `, text("code", `POST ${new URL(task.path, base).pathname}`)),
    text("p", task.summary + (task.served ? "" : " Not served by this server.")),
    table(["Option", "Allowed", "Default", ""], Object.entries(task.options).map(([name, schema]) =>
      [text("code", name), schema.description, schema.default == null || schema.default === "" ? "" : String(schema.default), schema.help])),
    text("h3", "curl"), code(curl(task, values)),
    text("h3", "JavaScript"), code(javascript(task, values)),
    text("h3", "Try it"), tryIt(task),
  );
}

function query(values) {
  return Object.keys(values).length ? `?${new URLSearchParams(values)}` : "";
}

function curl(task, values) {
  return `curl --fail-with-body -F image=@photo.jpg '${base}${task.path}${query(values)}' -o result`;
}

function javascript(task, values) {
  return `const response = await fetch("${base}${task.path}${query(values)}", {
  method: "POST",
  body: photo,            // a File, Blob or Uint8Array
  headers: { "content-type": "application/octet-stream" },
});
if (response.status === 429) console.log("busy, come back in", response.headers.get("retry-after"), "s");
else if (!response.ok) console.log((await response.json()).detail);
else show(await response.blob());`;
}

function code(source) {
  const button = element("button", { type: "button", textContent: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source);
    button.textContent = "Copied";
  });
  return element("div", {}, element("pre", {}, text("code", source)), button);
}

function tryIt(task) {
  const file = element("input", { type: "file", accept: catalogue.accepts.join(), required: true });
  const options = optionForm(task, { all: true });
  const out = element("div", { role: "status" });
  const form = element("form", { className: "try" }, element("label", { className: "option" }, "Photo", file),
    element("details", {}, text("summary", "Options"), options), element("div", { className: "actions" }, element("button", { type: "submit", textContent: "Send" })), out);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    out.textContent = "Working…";
    try {
      out.replaceChildren(...(await answer(await post(task.path, file.files[0], chosen(options)))));
    } catch (error) {
      out.textContent = `${error.status}: ${error.message}${error.retryAfter ? ` Retry after ${error.retryAfter} s.` : ""}`;
    }
  });
  return form;
}

async function answer(request) {
  if (!request.response.type.startsWith("image/")) return [element("pre", {}, text("code", await request.response.text()))];
  const url = URL.createObjectURL(request.response);
  const report = request.getResponseHeader("darkroom-report") ?? "{}";
  const image = element("img", { src: url, alt: "Result" });
  image.onerror = () => image.remove(); // TIFF, which most browsers cannot show
  return [image, element("p", {}, element("a", { href: url, download: "result", textContent: "Download" })),
    element("pre", {}, text("code", JSON.stringify(JSON.parse(report), null, 2)))];
}

function paths() {
  const rows = [];
  for (const [path, methods] of Object.entries(openapi.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const statuses = Object.entries(operation.responses).map(([status, about]) => `${status} ${about.description}`);
      rows.push([text("code", `${method.toUpperCase()} ${path}`), operation.summary, element("div", {}, ...statuses.map((line) => text("div", line)))]);
    }
  }
  return table(["Path", "", "Answers"], rows);
}

function table(heads, rows) {
  const cells = (kind, values) => element("tr", {}, ...values.map((value) => element(kind, {}, value ?? "")));
  return element("table", {}, element("thead", {}, cells("th", heads)), element("tbody", {}, ...rows.map((row) => cells("td", row))));
}
