// Which form: a group, the forms of it, and what the chosen one is. Her last form is there again the next morning.

const LAST = "bailu form";

export class Chooser {
  /** `form` is the ask; `lesson` shows what a form is; `changed(radio)` tells which is chosen now. */
  constructor({ form, lesson, changed }) {
    Object.assign(this, { form, lesson, changed });
    this.radios = [...form.querySelectorAll("input[name=form]")];
    this.groups = [...form.querySelectorAll("[data-group]")];
    this.last = JSON.parse(localStorage.getItem(LAST) ?? "{}"); // the form, and the last one of each group
    form.addEventListener("change", ({ target }) => {
      if (target.name === "group") this.choose(this.last.of?.[target.value] ?? this.#of(target.value)[0].value);
      if (target.name === "form") this.choose(target.value);
    });
    this.choose(this.last.form);
  }

  /** A form that is not there any more leaves the choice as it is. */
  choose(name) {
    const radio = this.radios.find(({ value }) => value === name) ?? this.radios.find(({ checked }) => checked);
    const { group } = radio.closest("[data-group]").dataset;
    radio.checked = true;
    for (const each of this.form.querySelectorAll("input[name=group]")) each.checked = each.value === group;
    for (const each of this.groups) each.hidden = each.dataset.group !== group;
    this.last = { form: radio.value, of: { ...this.last.of, [group]: radio.value } };
    localStorage.setItem(LAST, JSON.stringify(this.last));
    this.lesson.show(radio.value);
    this.changed(radio);
  }

  #of(group) {
    return this.radios.filter((radio) => radio.closest("[data-group]").dataset.group === group);
  }
}
