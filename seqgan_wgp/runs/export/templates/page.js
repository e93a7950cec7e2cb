"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const model = seqgan.load(JSON.parse($("model").textContent));
  const CHUNK_MILLISECONDS = 30;
  let shown = [], job = 0;

  for (const name of model.decoders) $("decode").append(new Option(name, name));
  $("decode-field").hidden = model.decoders.length < 2;

  function request() {
    const decode = $("decode").value, [prefix, mask, length] = ["prefix", "mask", "length"].map((id) => $(id).value);
    const count = Math.min(10000, Math.max(1, Math.floor(Number($("count").value)) || 1));
    const seed = $("seed").value.trim() || "0";
    if (!/^\d+$/.test(seed)) throw new Error("The seed is a whole number, 0 or more.");
    return { seed, count, decode, prefix, mask, length };
  }

  const quoted = (text) => /^[\w.-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";
  function command({ seed, count, decode, prefix, mask, length }) {
    const words = ["seqgan-wgp generate", quoted(document.body.dataset.name), `-n ${count} --seed ${seed} --decode ${decode}`];
    for (const [name, value] of Object.entries({ prefix, mask, length })) if (value) words.push(`--${name} ${quoted(value)}`);
    return words.join(" ");
  }

  function add(strings) {
    for (const text of strings) {
      const item = document.createElement("li");
      item.textContent = text;
      $("strings").append(item);
    }
    shown.push(...strings);
  }

  function generate() {
    const mine = ++job;
    $("strings").replaceChildren();
    shown = [];
    let asked;
    try {
      asked = request();
      model.strings({ ...asked, count: 0 });
    } catch (error) {
      $("status").textContent = error.message;
      $("status").className = "wrong";
      return;
    }
    $("status").className = "";
    $("command").textContent = command(asked);
    const step = () => {
      if (mine !== job) return;
      const end = performance.now() + CHUNK_MILLISECONDS, made = [];
      while (shown.length + made.length < asked.count && performance.now() < end) {
        made.push(...model.strings({ ...asked, start: shown.length + made.length, count: 1 }));
      }
      add(made);
      $("status").textContent = `${shown.length} of ${asked.count} strings`;
      if (shown.length < asked.count) setTimeout(step);
    };
    step();
  }

  function saved() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([shown.map((text) => text + "\n").join("")], { type: "text/plain" }));
    link.download = `${document.body.dataset.name}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  $("request").addEventListener("submit", (event) => { event.preventDefault(); generate(); });
  $("next").addEventListener("click", () => { $("seed").value = String(BigInt(/^\d+$/.test($("seed").value) ? $("seed").value : 0) + 1n); generate(); });
  $("save").addEventListener("click", saved);
  generate();
})();
