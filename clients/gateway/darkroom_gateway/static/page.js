// The page: a photo and a task in, a job followed to its end, before and after side by side.

import { Refused, apiKey, follow, get, post, remove } from "./api.js";
import { compare } from "./compare.js";
import { chosen, element, optionForm } from "./options.js";

const $ = (id) => document.getElementById(id);
const UNITS = { super_resolution: "tiles", denoise: "tiles", face_enhance: "parts", image_to_image: "steps" };
let catalogue = null, photo = null, running = null, urls = [];

async function begin() {
  try {
    catalogue = await (await get("v1/tasks")).json();
  } catch (error) {
    return say(error.message, true);
  }
  $("key-row").hidden = !catalogue.api_key_needed;
  $("key").value = apiKey.get();
  const firstServed = catalogue.tasks.find((task) => task.served) ?? catalogue.tasks[0];
  for (const task of catalogue.tasks) $("tasks").append(taskChoice(task, task === firstServed));
  showOptions(firstServed);
}

function taskChoice(task, checked) {
  const radio = element("input", { type: "radio", name: "task", value: task.name, checked, disabled: !task.served });
  radio.addEventListener("change", () => showOptions(task));
  const hint = task.served ? task.summary : "Not served by this server.";
  return element("label", { className: "task" }, radio, element("strong", { textContent: task.title }),
    element("span", { className: "hint", textContent: hint }));
}

const showOptions = (task) => $("options").replaceChildren(optionForm(task));
const selectedTask = () => catalogue.tasks.find((task) => task.name === $("form").elements.task.value);

function choose(file) {
  if (!file) return;
  photo = file;
  $("file-name").textContent = file.name || "Pasted picture";
  $("file-hint").textContent = size(file);
  thumbnail(file);
  $("result").hidden = true;
  if (file.size > (catalogue?.max_bytes ?? Infinity)) {
    return say(`This file is too large: at most ${Math.floor(catalogue.max_bytes / 1e6)} MB are allowed.`, true);
  }
  $("status").hidden = true;
}

// HEIC, TIFF and JPEG XL are formats that most browsers cannot show; the server can read them all the same.
function thumbnail(file) {
  $("thumbnail").onload = () => ($("thumbnail").hidden = false);
  $("thumbnail").onerror = () => ($("thumbnail").hidden = true);
  $("thumbnail").src = fresh(file);
}

const size = ({ size: bytes }) => (bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function fresh(blob) {
  const url = URL.createObjectURL(blob);
  urls.push(url);
  return url;
}

function say(words, bad = false) {
  $("status").hidden = false;
  $("status").className = bad ? "message error" : "message";
  // Screen readers repeat an unchanged text when it is set again.
  if ($("status").textContent !== words) $("status").textContent = words;
}

function bar(fraction) {
  $("progress").hidden = false;
  if (fraction == null) $("progress").removeAttribute("value");
  else $("progress").value = fraction;
}

function busy(on) {
  $("start").disabled = on;
  $("cancel").hidden = !on;
  if (!on) $("progress").hidden = $("preview").hidden = true;
}

async function start() {
  if (running) return;
  if (!photo) return say("Choose a photo first.", true);
  if (photo.size > catalogue.max_bytes) return choose(photo);
  apiKey.set($("key").value);
  const before = photo, task = selectedTask();
  running = { abort: new AbortController(), job: null };
  const { signal } = running.abort;
  busy(true);
  $("result").hidden = true;
  say("Sending the photo…");
  $("status").scrollIntoView({ block: "nearest" });
  try {
    const end = await attempt(task, before, signal);
    say("Fetching the result…");
    const picture = await (await get(end.result_url, signal)).blob();
    remove(end.url);
    await finish(task, before, picture, end.report);
  } catch (error) {
    if (error.name === "AbortError") say("Cancelled.");
    else say(error.message, true);
  } finally {
    running = null;
    busy(false);
  }
}

// Busy is no failure: say so, wait as long as the server asks, try again until somebody cancels.
// Where a longer deadline would do, the refusal names it.
async function attempt(task, file, signal) {
  for (let deadline = null; ; ) {
    try {
      const job = (running.job = await submit(task, file, signal, deadline));
      const end = await follow(job, (state) => show(task, state), signal);
      if (end.state === "done") return end;
      throw new Refused(end.error.reason === "busy" ? 429 : 0, end.error, end.error.retry_after_s);
    } catch (error) {
      running.job = null;
      if (error.deadline > deadline) {
        deadline = error.deadline;
        continue;
      }
      if (error.status !== 429) throw error;
      await pause(Math.ceil(error.retryAfter ?? 1), error.message, signal);
    }
  }
}

async function submit(task, file, signal, deadline) {
  say("Sending the photo…");
  bar(null);
  const onUpload = (sent) => bar(sent < 1 ? sent : null);
  const options = { ...chosen($("options")), async: "true", ...(deadline ? { deadline_s: deadline } : {}) };
  return JSON.parse((await post(task.path, file, options, { onUpload, signal, type: "text" })).responseText);
}

async function pause(seconds, why, signal) {
  for (let left = seconds; left > 0; left--) {
    say(`The server is busy. Trying again in ${left} s. (${why})`);
    bar(null);
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 1000);
      signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
    });
  }
}

function show(task, state) {
  const eta = state.eta_s == null ? "" : `, about ${Math.max(1, Math.ceil(state.eta_s))} s to go`;
  if (state.state === "waiting") {
    say(`In line${eta}.`);
    bar(null);
  } else if (state.state === "running") {
    const units = state.units_total ? `: ${state.units_done ?? 0} of ${state.units_total} ${UNITS[task.name] ?? "units"}` : "";
    say(`Working${units}${eta}.`);
    bar(state.progress ?? null);
  }
  if (state.preview) {
    $("preview").src = `data:image/jpeg;base64,${state.preview}`;
    $("preview").hidden = false;
  }
}

async function finish(task, before, picture, report) {
  urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  thumbnail(photo);
  const after = fresh(picture);
  const comparison = compare(fresh(before), after);
  $("compare").replaceChildren(comparison);
  const name = (before.name || "photo").replace(/\.[^.]*$/, "");
  $("download").href = after;
  $("download").download = `${name}.${task.name.replaceAll("_", "-")}.${picture.type.split("/")[1].replace("jpeg", "jpg").replace("tiff", "tif")}`;
  const seconds = ["queue_ms", "decode_ms", "infer_ms", "encode_ms"].reduce((sum, key) => sum + (report[key] ?? 0), 0) / 1000;
  const facts = [report.network, report.faces && `${report.faces.length} faces`, `${seconds.toFixed(2)} s`, size(picture)];
  $("facts").textContent = facts.filter(Boolean).join(" · ");
  const fake = report.simulated ? "This server runs on a simulated device: the pixels mean nothing."
    : /random/i.test(report.weights ?? "") ? `These weights are ${report.weights}: the picture means nothing.` : "";
  $("warning").textContent = fake;
  $("warning").hidden = !fake;
  $("result").hidden = false;
  $("zoom").setAttribute("aria-pressed", "false");
  // Only a picture that is there has a height to scroll to.
  const shown = await comparison.querySelector(".after").decode().then(() => true, () => false);
  $("compare").hidden = $("zoom").hidden = !shown;
  say(shown ? "Done. Move the slider to compare." : "Done. This browser cannot show the result: download it.");
  $("status").scrollIntoView({ block: "start" });
}

$("form").addEventListener("submit", (event) => (event.preventDefault(), start()));
$("cancel").addEventListener("click", () => {
  if (!running) return;
  if (running.job) remove(running.job.url);
  running.abort.abort();
});
$("zoom").addEventListener("click", () => {
  const actual = $("compare").firstElementChild.classList.toggle("actual");
  $("zoom").setAttribute("aria-pressed", String(actual));
});
$("file").addEventListener("change", () => choose($("file").files[0]));
document.addEventListener("paste", (event) => choose([...event.clipboardData.files].find((file) => file.type.startsWith("image/"))));
for (const kind of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") choose(event.dataTransfer.files[0]);
  });
}
// Somebody who closes the page does not want the result any more.
addEventListener("pagehide", () => running?.job && remove(running.job.url));
begin();
