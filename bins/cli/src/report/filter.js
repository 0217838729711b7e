"use strict";
(() => {
  const box = document.getElementById("filter");
  const found = document.getElementById("found");
  const rows = [];
  const read = () => {
    if (rows.length > 0) return;
    for (const row of document.querySelectorAll("table.filtered tbody tr")) {
      rows.push([row, row.textContent.toLowerCase()]);
    }
  };
  const apply = () => {
    read();
    const words = box.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    let count = 0;
    for (const [row, text] of rows) {
      const fits = words.every((word) => text.includes(word));
      row.hidden = !fits;
      if (fits) count += 1;
    }
    for (const part of document.querySelectorAll(".part")) {
      part.hidden = words.length > 0 && part.querySelector("tbody tr:not([hidden])") === null;
    }
    if (words.length > 0) document.querySelector("#events details").open = true;
    found.textContent = words.length > 0 ? `${count} of ${rows.length} rows` : "";
  };
  let waiting = 0;
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  box.labels[0].hidden = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
    }
    if (event.key === "Escape" && event.target === box) {
      box.value = "";
      apply();
    }
  });
})();
