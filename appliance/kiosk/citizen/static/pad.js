/* Keys on the glass for NIK and PIN. Without this file the fields take any keyboard.
   A pressed key does not light up, and the digits can be mixed: who looks over a shoulder sees where, not what. */
(function () {
  "use strict";
  var pad = document.getElementById("pad");
  if (!pad) { return; }
  var fields = Array.prototype.slice.call(document.querySelectorAll("[data-own-keys] input[inputmode=numeric]"));
  var target = fields[0];

  fields.forEach(function (field) {
    field.addEventListener("focus", function () { target = field; });
    // The page's own keys are used in the hall; a keyboard over them would hide both.
    if (document.body.classList.contains("is-hall")) { field.setAttribute("inputmode", "none"); }
  });

  function tell() { target.dispatchEvent(new Event("input", { bubbles: true })); }

  function press(key) {
    if (key === "back") {
      target.value = target.value.slice(0, -1);
    } else if (target.value.length < target.maxLength) {
      target.value += key;
      var next = fields[fields.indexOf(target) + 1];
      if (target.value.length === Number(target.dataset.digits) && next && next.value === "") { next.focus(); }
    }
    tell();
  }

  function mix(digits) {
    // Fisher-Yates with the browser's own randomness.
    for (var last = digits.length - 1; last > 0; last--) {
      var bound = Math.floor(4294967296 / (last + 1)) * (last + 1), drawn = new Uint32Array(1);
      do { crypto.getRandomValues(drawn); } while (drawn[0] >= bound);
      var other = drawn[0] % (last + 1), kept = digits[last];
      digits[last] = digits[other];
      digits[other] = kept;
    }
    return digits;
  }

  pad.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) { return; }
    if (button.hasAttribute("data-mix")) {
      var digits = mix(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
      Array.prototype.forEach.call(pad.querySelectorAll("[data-digit]"), function (each, index) {
        each.textContent = digits[index];
      });
      return;
    }
    press(button.hasAttribute("data-back") ? "back" : button.textContent);
  });
  // The field keeps the caret.
  pad.addEventListener("pointerdown", function (event) { event.preventDefault(); });
  pad.hidden = false;
  if (target) { target.focus(); }
})();
