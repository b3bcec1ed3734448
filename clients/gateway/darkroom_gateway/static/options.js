// A form for a task's options, built from what /v1/tasks says about them.

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// The options of `page: "first"` at once, the rest behind "More options"; `all` for everything.
export function optionForm(task, { all = false } = {}) {
  const first = [], more = [];
  for (const [name, schema] of Object.entries(task.options)) {
    if (schema.page === false && !all) continue;
    (schema.page === "first" || all ? first : more).push(row(name, schema));
  }
  const form = element("div", {}, ...first);
  if (more.length) form.append(element("details", {}, element("summary", { textContent: "More options" }), ...more));
  return form;
}

// Only what differs from the default travels: the rest is the server's to decide.
export function chosen(form) {
  const options = {};
  for (const input of form.querySelectorAll("[data-option]")) {
    const value = input.value.trim();
    if (value !== "" && value !== input.dataset.default) options[input.name] = value;
  }
  return options;
}

function row(name, schema) {
  const initial = schema.default ?? "";
  const input = control(schema, initial);
  input.name = name;
  input.dataset.option = "";
  input.dataset.default = String(initial);
  const words = name.replaceAll("_", " ");
  return element(
    "label", { className: "option" },
    element("span", { textContent: words[0].toUpperCase() + words.slice(1) }), input,
    element("span", { className: "hint", textContent: schema.help }),
  );
}

function control(schema, initial) {
  const kinds = [schema, ...(schema.anyOf ?? [])];
  const listed = schema.choices ?? kinds.find((kind) => kind.enum)?.enum ?? (schema.type === "boolean" ? ["false", "true"] : null);
  if (listed) {
    const values = listed.map(String);
    if (!values.includes(String(initial))) values.unshift("");
    const options = values.map((value) => element("option", { value, textContent: value || "as the server decides" }));
    const select = element("select", {}, ...options);
    select.value = String(initial);
    return select;
  }
  const number = kinds.find((kind) => ["integer", "number"].includes(kind.type));
  if (number) {
    const input = element("input", { type: "number", value: initial, step: schema.step ?? (number.type === "integer" ? 1 : "any") });
    input.min = number.minimum ?? "";
    input.max = number.maximum ?? "";
    input.placeholder = initial === "" ? "as the server decides" : "";
    input.inputMode = number.type === "integer" ? "numeric" : "decimal";
    return input;
  }
  const long = (schema.maxLength ?? 0) > 200;
  return element(long ? "textarea" : "input", { value: initial, ...(long ? { rows: 2 } : {}) });
}
