"use strict";
// Filters the flipped examples; without it all of them are shown.
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const flips = [...document.querySelectorAll(".flip")];
  const choices = [...form.querySelectorAll("select")];
  const apply = () => {
    let shown = 0;
    for (const flip of flips) {
      flip.hidden = !choices.every(({ name, value }) => value === "" || flip.dataset[name] === value);
      if (!flip.hidden) shown += 1;
    }
    document.getElementById("shown").textContent = `${shown} of ${flips.length} shown`;
  };
  form.addEventListener("change", apply);
  // The fields are empty only after the event.
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
