"use strict";
// A page that was saved while the certificate held says itself when it does not any more.
(() => {
  const { valid, expires } = document.body.dataset;
  if (valid !== "yes" || Date.now() < Date.parse(expires)) return;
  document.getElementById("standing").className = "masthead inconclusive";
  document.querySelector(".glyph").textContent = "✕";
  document.getElementById("word").textContent = "Expired";
  document.getElementById("until").textContent = `This certificate expired at ${expires}.`;
})();
