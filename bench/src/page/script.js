"use strict";
// Nothing here is needed to read the page: a click on a heading sorts its table.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.dataset.sort = "";
    head.tabIndex = 0;
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const text = (row) => row.cells[column] ? row.cells[column].textContent : "";
      const compare = new Intl.Collator("en", { numeric: true }).compare;
      const plain = (row) => text(row).replace(/(\d),(?=\d)/g, "$1");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compare(plain(a), plain(b)) * (up ? 1 : -1));
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
