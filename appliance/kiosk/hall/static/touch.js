/* The standing screen's three helpers: it counts down and closes, it has keys on the glass, it speaks.
   Every page works without this file: then pages ask again by themselves, and sounds open as files. */
(function () {
  "use strict";

  function send(address) {
    return fetch(address, { method: "POST", credentials: "same-origin", redirect: "manual" });
  }

  // -- Closing ------------------------------------------------------------------------------------------------------
  var idle = document.getElementById("idle");
  if (idle) {
    var limit = Number(idle.dataset.idle) * 1000, grace = Number(idle.dataset.warn) * 1000;
    var last = Date.now(), told = last, count = idle.querySelector("[data-count]"), closing = false;
    var focused = null;

    var alive = function () {
      last = Date.now();
      if (!idle.hidden) {
        idle.hidden = true;
        if (focused && focused.focus) { focused.focus(); }
      }
      // Typing sends nothing by itself: the server is told, at most every quarter of the time.
      if (last - told > limit / 4) {
        told = last;
        send(idle.dataset.stay).then(function (answer) {
          if (answer.status !== 204) { location.replace(idle.dataset.home); }
        }, function () { /* the next page says what is wrong */ });
      }
    };
    var tick = function () {
      var left = limit - (Date.now() - last);
      if (left <= 0 && !closing) {
        closing = true;
        document.getElementById("idle-end").submit();
      } else if (left <= grace && !closing) {
        if (idle.hidden) {
          focused = document.activeElement;
          idle.hidden = false;
          idle.querySelector("[data-stay-button]").focus();
        }
        count.textContent = String(Math.max(0, Math.ceil(left / 1000)));
      }
    };
    ["keydown", "input", "scroll", "wheel"].forEach(function (name) {
      document.addEventListener(name, function () { if (idle.hidden) { alive(); } }, { passive: true, capture: true });
    });
    document.addEventListener("pointerdown", function (event) {
      if (idle.hidden || event.target.closest("[data-stay-button]")) { alive(); }
    }, { passive: true, capture: true });
    idle.querySelector("[data-stay-button]").addEventListener("click", alive);
    setInterval(tick, 250);
  }
  // A page out of the browser's memory shows what has ended.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { location.reload(); } });

  // A second touch must not send twice; the server takes it once anyway.
  document.addEventListener("submit", function (event) {
    if (event.target.dataset.sent) { event.preventDefault(); }
    event.target.dataset.sent = "yes";
    setTimeout(function () { delete event.target.dataset.sent; }, 5000);
  });

  // -- Speaking -----------------------------------------------------------------------------------------------------
  var playing = null, player = null;
  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-sound]");
    if (!link) { return; }
    event.preventDefault();
    if (player) { player.pause(); playing.classList.remove("is-playing"); }
    if (playing === link) { player = playing = null; return; }
    playing = link;
    player = new Audio(link.href);
    link.classList.add("is-playing");
    player.addEventListener("ended", function () { link.classList.remove("is-playing"); player = playing = null; });
    player.play().catch(function () { link.classList.remove("is-playing"); player = playing = null; });
  });

  // -- Keys on the glass --------------------------------------------------------------------------------------------
  if (!document.body.classList.contains("is-hall")) { return; }
  var keys = document.getElementById("keys"), target = null, upper = false;
  if (!keys) { return; }
  var words = keys.dataset;
  var LETTERS = [["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"], ["q", "w", "e", "r", "t", "y", "u", "i", "o", "p"],
    ["a", "s", "d", "f", "g", "h", "j", "k", "l", "'"], ["SHIFT", "z", "x", "c", "v", "b", "n", "m", "BACK"],
    [".", ",", "-", "/", "SPACE", "DONE"]];
  var DIGITS = [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"], ["BACK", "0", "DONE"]];
  var LABELS = { SHIFT: "⇧", BACK: "⌫", SPACE: words.space, DONE: words.done };
  var NAMES = { SHIFT: words.shift, BACK: words.back, SPACE: words.space, DONE: words.done };
  var CLASSES = { SPACE: "is-wide-key", DONE: "is-done" };

  function type(text) {
    var from = target.value.length, to = from;
    try { from = target.selectionStart === null ? from : target.selectionStart; to = target.selectionEnd === null ? to : target.selectionEnd; } catch (e) { /* numbers have no caret */ }
    if (text === "" && from === to) { from = Math.max(0, from - 1); }
    var value = target.value.slice(0, from) + text + target.value.slice(to);
    if (target.maxLength > 0 && value.length > target.maxLength) { return; }
    target.value = value;
    try { target.setSelectionRange(from + text.length, from + text.length); } catch (e) { /* likewise */ }
    target.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function press(name) {
    if (name === "DONE") { onwards(); return; }
    if (name === "SHIFT") { upper = !upper; draw(); return; }
    if (name === "BACK") { type(""); return; }
    if (name === "SPACE") { type(" "); return; }
    type(upper ? name.toUpperCase() : name);
    if (upper) { upper = false; draw(); }
  }

  // The key that goes on: to the next empty field of a question in parts, else the form is sent.
  function onwards() {
    var form = target.form, open = form && Array.prototype.filter.call(form.elements, function (field) {
      return field !== target && wants(field) && field.value === "";
    })[0];
    if (open) { open.focus(); } else if (form && form.requestSubmit) { form.requestSubmit(); } else { hide(); }
  }

  function draw() {
    var rows = target.inputMode === "numeric" ? DIGITS : LETTERS;
    keys.textContent = "";
    rows.forEach(function (row) {
      var line = document.createElement("div");
      row.forEach(function (name) {
        var button = document.createElement("button");
        button.type = "button";
        button.tabIndex = -1;
        button.textContent = LABELS[name] || (upper ? name.toUpperCase() : name);
        if (NAMES[name]) { button.setAttribute("aria-label", NAMES[name]); }
        if (CLASSES[name]) { button.className = CLASSES[name]; }
        if (name === "SHIFT" && upper) { button.className = "is-on"; }
        // The field keeps the caret.
        button.addEventListener("pointerdown", function (event) { event.preventDefault(); });
        button.addEventListener("mousedown", function (event) { event.preventDefault(); });
        button.addEventListener("click", function () { press(name); });
        line.appendChild(button);
      });
      keys.appendChild(line);
    });
  }

  function show(field) {
    target = field;
    upper = field.value === "" && field.inputMode !== "numeric" && !field.hasAttribute("data-plain");
    draw();
    keys.hidden = false;
    document.body.classList.add("has-keys");
    field.scrollIntoView({ block: "center" });
  }

  function hide() {
    keys.hidden = true;
    target = null;
    document.body.classList.remove("has-keys");
  }

  function wants(field) {
    return field.matches && field.matches("input:not([type]), input[type=text], input[type=search], input[type=tel], textarea") && !field.closest("[data-own-keys]");
  }
  document.addEventListener("focusin", function (event) { if (wants(event.target)) { show(event.target); } });
  document.addEventListener("focusout", function () {
    setTimeout(function () { if (!wants(document.activeElement)) { hide(); } }, 0);
  });
  if (wants(document.activeElement)) { show(document.activeElement); }
})();
