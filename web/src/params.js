// The parameters of a statement: a field for each `$name` in it.

/** The names of a statement's parameters, in the order in which they appear first. */
export function namesIn(text) {
  const code = text.replace(/--.*|'(?:[^']|'')*'/g, "");
  return [...new Set([...code.matchAll(/\$([a-z_]\w*)/gi)].map((match) => match[1]))];
}

/** A number, true, false or null as itself, anything else as text. */
function literal(text) {
  return /^(-?\d+(\.\d+)?([eE][-+]?\d+)?|true|false|null)$/.test(text) ? JSON.parse(text) : text;
}

export class ParamsForm {
  constructor(form) {
    this.form = form;
  }

  /** Shows a field for each name, keeping what was typed; `declared` is what a named query says of its own. */
  show(names, declared = []) {
    const before = Object.fromEntries(this.texts());
    const fields = names.map((name) => {
      const param = declared.find((param) => param.name === name);
      const input = document.createElement("input");
      Object.assign(input, { name, value: before[name] ?? "", autocomplete: "off", spellcheck: false });
      input.required = param?.required ?? false;
      input.placeholder = !param ? "" : param.required ? param.type : String(param.default);
      const label = document.createElement("label");
      label.append(name, input);
      return label;
    });
    this.form.replaceChildren(...fields);
    this.form.hidden = fields.length === 0;
  }

  /** Name and text of each field. */
  texts() {
    return [...this.form.querySelectorAll("input")].map((input) => [input.name, input.value.trim()]);
  }

  /** For a named query, which reads texts itself: those that are not left to their default. */
  given() {
    return Object.fromEntries(this.texts().filter(([, text]) => text !== ""));
  }

  /** For any other statement: null when nothing is typed. */
  literals() {
    return Object.fromEntries(this.texts().map(([name, text]) => [name, text === "" ? null : literal(text)]));
  }
}
