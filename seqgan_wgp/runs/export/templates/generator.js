"use strict";
// The generator of a model, and how strings are made of it: the same for the same seed as by `seqgan-wgp generate`.
// Names of shapes: C channels, L length, V vocabulary, K ids that are allowed at a position.
const seqgan = (() => {
  const PAD = 0, UNKNOWN = 1;

  // --- random numbers: SplitMix64 of (seed, stream, index, column) --------------------------------------------------
  const MASK = (1n << 64n) - 1n, GOLDEN = 0x9E3779B97F4A7C15n;
  const mix = (x) => {
    x = ((x ^ (x >> 30n)) * 0xBF58476D1CE4E5B9n) & MASK;
    x = ((x ^ (x >> 27n)) * 0x94D049BB133111EBn) & MASK;
    return x ^ (x >> 31n);
  };
  const streamKey = (seed, stream) => mix(mix((seed + GOLDEN) & MASK) ^ mix((stream * GOLDEN + 1n) & MASK));

  /** `columns` multiples of 2^-24 in [0, 1). */
  function uniform(key, index, columns) {
    const out = new Float64Array(columns);
    let place = mix((key + GOLDEN * (BigInt(index) + 1n)) & MASK);
    for (let c = 0; c < columns; c++) {
      place = (place + GOLDEN) & MASK;
      out[c] = Number(mix(place) >> 40n) * 2 ** -24;
    }
    return out;
  }

  /** Standard normals by Box and Muller, rounded to single precision at each step. */
  function normal(key, index, columns) {
    const pairs = (columns + 1) >> 1, u = uniform(key, index, 2 * pairs), f = Math.fround;
    const out = new Float64Array(2 * pairs);
    for (let p = 0; p < pairs; p++) {
      const radius = f(Math.sqrt(f(-2 * f(Math.log1p(-u[p]))))), angle = f(f(2 * Math.PI) * u[pairs + p]);
      out[p] = f(radius * f(Math.cos(angle)));
      out[pairs + p] = f(radius * f(Math.sin(angle)));
    }
    return out.subarray(0, columns);
  }

  // --- arrays -------------------------------------------------------------------------------------------------------
  const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  function fromHalf(bits) {
    const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, part = bits & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024));
  }
  const READERS = {
    float32: (buffer) => Float64Array.from(new Float32Array(buffer)),
    float16: (buffer) => Float64Array.from(new Uint16Array(buffer), fromHalf),
    uint8: (buffer) => new Uint8Array(buffer),
    uint16: (buffer) => new Uint16Array(buffer),
    uint32: (buffer) => new Uint32Array(buffer),
  };
  const arrayOf = ({ type, data }) => READERS[type](bytesOf(data));

  // --- the network --------------------------------------------------------------------------------------------------
  /** y = (x - mean) / sqrt(variance + eps) over the cells first, first + step, ... */
  function standardize(x, first, count, step, eps) {
    const end = first + count * step;
    let mean = 0, square = 0;
    for (let i = first; i < end; i += step) mean += x[i];
    mean /= count;
    for (let i = first; i < end; i += step) square += (x[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / count + eps);
    for (let i = first; i < end; i += step) x[i] = (x[i] - mean) * scale;
  }

  /** relu of the normalized x: standardized over groups of channels or over the channels of a position, then scaled. */
  function activated(x, layer, { width, length }) {
    const out = Float64Array.from(x), { kind, groups, eps } = layer;
    if (kind === "group") {
      const size = (width / groups) * length;
      for (let g = 0; g < groups; g++) standardize(out, g * size, size, 1, eps);
    } else if (kind === "channels") {
      for (let l = 0; l < length; l++) standardize(out, l, width, length, eps);
    }
    for (let c = 0, i = 0; c < width; c++) {
      const weight = kind === "none" ? 1 : layer.weight[c], bias = kind === "none" ? 0 : layer.bias[c];
      for (let l = 0; l < length; l++, i++) out[i] = Math.max(0, out[i] * weight + bias);
    }
    return out;
  }

  function convolved(x, { weight, bias, dilation }, { width, length, kernel }) {
    const out = new Float64Array(width * length), half = kernel >> 1;
    for (let o = 0; o < width; o++) {
      const row = o * length;
      out.fill(bias[o], row, row + length);
      for (let c = 0; c < width; c++) {
        for (let k = 0; k < kernel; k++) {
          const w = weight[(o * width + c) * kernel + k], shift = (k - half) * dilation;
          const from = Math.max(0, -shift), to = Math.min(length, length - shift);
          for (let l = from, at = c * length + from + shift; l < to; l++, at++) out[row + l] += w * x[at];
        }
      }
    }
    return out;
  }

  /** Logits, position by position: an array of L arrays of V. */
  function logits(net, latent) {
    const { width, length, size } = net, cells = width * length;
    const x = Float64Array.from(net.input.bias);
    for (let i = 0; i < cells; i++) {
      let sum = 0;
      for (let z = 0; z < latent.length; z++) sum += net.input.weight[i * latent.length + z] * latent[z];
      x[i] += sum;
    }
    for (const block of net.blocks) {
      let branch = convolved(activated(x, block.norm1, net), block.conv1, net);
      branch = convolved(activated(branch, block.norm2, net), block.conv2, net);
      for (let i = 0; i < cells; i++) x[i] += net.scale * branch[i];
    }
    return Array.from({ length }, (_, l) => {
      const row = Float64Array.from(net.output.bias);
      for (let v = 0; v < size; v++) {
        for (let c = 0; c < width; c++) row[v] += net.output.weight[v * width + c] * x[c * length + l];
      }
      return row;
    });
  }

  function largest(row) {
    let most = -Infinity;
    for (let k = 0; k < row.length; k++) if (row[k] > most) most = row[k];
    return most;
  }
  function logSum(row) {
    const most = largest(row);
    if (most === -Infinity) return most;
    let sum = 0;
    for (const value of row) sum += Math.exp(value - most);
    return most + Math.log(sum);
  }
  function logSoftmax(row, rounded) {
    const all = logSum(row);
    return row.map((value) => (rounded ? Math.fround(value - all) : value - all));
  }

  // --- the n-gram model: Witten-Bell smoothing with back-off ----------------------------------------------------------
  function ngramRows(ngrams, size) {
    const { order } = ngrams, ids = arrayOf(ngrams.ids), counts = arrayOf(ngrams.counts);
    const contexts = Array.from({ length: order }, () => new Map());
    for (let n = 0; n < counts.length; n++) {
      const row = ids.subarray(n * order, (n + 1) * order), id = row[order - 1];
      for (let k = 0; k < order; k++) {
        const key = String.fromCharCode(...row.subarray(order - 1 - k, order - 1));
        let seen = contexts[k].get(key);
        if (!seen) contexts[k].set(key, (seen = new Map()));
        seen.set(id, (seen.get(id) || 0) + counts[n]);
      }
    }
    const cache = new Map();
    function probabilities(key) {
      if (cache.has(key)) return cache.get(key);
      const shorter = key ? probabilities(key.slice(1)) : new Float64Array(size).fill(1 / size);
      const seen = contexts[key.length].get(key);
      let total = 0;
      for (const count of seen.values()) total += count;
      const share = total / (total + seen.size), row = shorter.map((value) => (1 - share) * value);
      for (const [id, count] of seen) row[id] += share * count / total;
      cache.set(key, row);
      return row;
    }
    /** Natural logs for what follows the ids of `before`, which begins with start symbols. */
    return (before) => {
      let key = before.slice(before.length - (order - 1));
      while (!contexts[key.length].has(key)) key = key.slice(1);
      return probabilities(key).map((value) => Math.fround(Math.log(value)));
    };
  }

  // --- constraints: sets of ids by position, and where a string may end ---------------------------------------------
  const SPECIAL = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  const letters = (first, count) => Array.from({ length: count }, (_, k) => String.fromCharCode(first + k)).join("");
  const SETS = { l: letters(97, 26), u: letters(65, 26), d: letters(48, 10), s: SPECIAL, "?": "?" };
  SETS.a = SETS.u + SETS.l + SETS.d + SETS.s;

  function maskSets(mask) {
    const symbols = [...mask], sets = [];
    for (let k = 0; k < symbols.length; k++) {
      if (symbols[k] !== "?") { sets.push(symbols[k]); continue; }
      const name = symbols[++k];
      if (name === undefined || !(name in SETS)) throw new Error(`The mask has ?${name ?? ""}: use ?l ?u ?d ?s ?a, and ?? for a question mark.`);
      sets.push(SETS[name]);
    }
    return sets;
  }

  function lengthsOf(text) {
    const found = /^(\d*)(-?)(\d*)$/.exec(text.trim());
    if (!found || !(found[1] || found[3])) throw new Error("The length is a number or a range: 5, 3-8, 3- or -8.");
    const least = Number(found[1] || 1);
    return [least, found[2] ? (found[3] ? Number(found[3]) : Infinity) : least];
  }

  /** For each position the allowed ids in order, and whether a string may end before it; null without constraints. */
  function allowedIds({ prefix = "", mask = "", length = "" }, net) {
    if (!prefix && !mask && !length) return null;
    const begin = [...prefix], sets = mask ? maskSets(mask) : null;
    let [least, most] = length ? lengthsOf(length) : [1, Infinity];
    least = Math.max(least, begin.length, 1);
    if (sets) { least = Math.max(least, sets.length); most = Math.min(most, sets.length); }
    most = Math.min(most, net.length);
    if (least > most) throw new Error(`No string of this model, which has at most ${net.length} characters, satisfies this.`);
    const every = [...net.ids.values()], places = [];
    for (let l = 0; l < most; l++) {
      let ids = every;
      if (l < begin.length) ids = ids.filter((id) => net.characters[id - 2] === begin[l]);
      if (sets) ids = ids.filter((id) => [...sets[l]].includes(net.characters[id - 2]));
      if (!ids.length) {
        const wanted = l < begin.length ? begin[l] : sets[l];
        throw new Error(`No string satisfies this: at position ${l + 1} the model has none of: ${wanted}`);
      }
      places.push({ ids, ends: l >= least });
    }
    return places;
  }

  // --- decoding -----------------------------------------------------------------------------------------------------
  function argmaxIds(rows) {
    const out = [];
    for (const row of rows) {
      const id = row.indexOf(largest(row));
      if (id === PAD) break;
      out.push(id);
    }
    return out;
  }

  /** The most probable allowed string, by the best completion from each position on. */
  function bestIds(rows, places, length) {
    const table = rows.map((row) => logSoftmax(row, true).map((value) => Math.round(value * 2 ** 30) / 2 ** 30));
    const ahead = [places.length < length ? table[places.length][PAD] : 0];
    for (let l = places.length - 1; l >= 0; l--) {
      const on = largest(places[l].ids.map((id) => table[l][id])) + ahead[0];
      ahead.unshift(places[l].ends ? Math.max(on, table[l][PAD]) : on);
    }
    const out = [];
    for (let l = 0; l < places.length; l++) {
      const most = largest(places[l].ids.map((id) => table[l][id]));
      if (places[l].ends && table[l][PAD] >= most + ahead[l + 1]) break;
      out.push(places[l].ids.find((id) => table[l][id] === most));
    }
    return out;
  }

  function drawn(logs, u) {
    const most = largest(logs), sums = [];
    let sum = 0;
    for (const value of logs) sums.push((sum += Math.exp(value - most)));
    return sums.filter((value) => value <= u * sum).length;
  }

  /** Drawn from left to right by generator^a * ngram^b; under constraints times the chance of an allowed end. */
  function fusedIds(rows, places, uniforms, net) {
    const { generator, ngram } = net.powers, b = Math.fround(ngram), length = rows.length;
    const table = rows.map((row) => logSoftmax(row, true));
    const own = table.map((row) => (places ? logSoftmax(row.map((value) => generator * value), false) : row.map((value) => generator * value)));
    let ahead = null;
    if (places) {
      ahead = [places.length < length ? own[places.length][PAD] : 0];
      for (let l = places.length - 1; l >= 0; l--) {
        const on = logSum(places[l].ids.map((id) => own[l][id])) + ahead[0];
        ahead.unshift(places[l].ends ? logSum([on, own[l][PAD]]) : on);
      }
    }
    const out = [];
    let before = String.fromCharCode(net.size).repeat(net.order - 1);
    for (let l = 0; l < (places ? places.length : length); l++) {
      const row = net.ngramRow(before), log = own[l].map((value, id) => value + Math.fround(b * row[id]));
      let id;
      if (places) {
        const { ids, ends } = places[l];
        const place = drawn([ends ? log[PAD] : -Infinity, ...ids.map((one) => log[one] + ahead[l + 1])], uniforms[l]);
        id = place ? ids[place - 1] : PAD;
      } else {
        id = drawn(log, uniforms[l]);
      }
      if (id === PAD) break;
      out.push(id);
      before += String.fromCharCode(id);
    }
    return out;
  }

  // --- the model ----------------------------------------------------------------------------------------------------
  /** Read a model as it stands in the page. Returns { strings, decoders, length }. */
  function load(model) {
    const weights = arrayOf(model.weights);
    let at = 0;
    const take = (count) => weights.subarray(at, (at += count));
    const { latent, width, length, kernel } = model, characters = [...model.characters], size = characters.length + 2;
    const norm = ({ kind, groups, eps }) => (kind === "none" ? { kind } : { kind, groups, eps, weight: take(width), bias: take(width) });
    const conv = (dilation) => ({ dilation, weight: take(width * width * kernel), bias: take(width) });
    const net = { ...model, size, characters, ids: new Map(characters.map((character, k) => [character, k + 2])) };
    net.input = { weight: take(width * length * latent), bias: take(width * length) };
    net.blocks = model.dilations.map(([first, second]) => {
      const norm1 = norm(model.norm), conv1 = conv(first), norm2 = norm(model.norm);
      return { norm1, conv1, norm2, conv2: conv(second) };
    });
    net.output = { weight: take(size * width), bias: take(size) };
    if (model.ngrams) {
      Object.assign(net, { powers: model.ngrams.powers, order: model.ngrams.order, ngramRow: ngramRows(model.ngrams, size) });
    }
    const decoders = model.ngrams ? ["fusion", "argmax"] : ["argmax"];

    /** Strings number start .. start + count - 1 of a seed, under constraints. */
    function strings({ seed = 0, start = 0, count = 10, decode = decoders[0], ...constraints } = {}) {
      const places = allowedIds(constraints, net), number = BigInt(seed);
      if (number < 0n || number >= 1n << 63n) throw new Error("The seed is a whole number from 0 to 2^63 - 1.");
      const latents = streamKey(number, BigInt(model.streams.latent)), chances = streamKey(number, BigInt(model.streams.decode));
      return Array.from({ length: count }, (_, k) => {
        const index = start + k;
        const z = model.distribution === "normal" ? normal(latents, index, latent) : uniform(latents, index, latent).map((u) => 2 * u - 1);
        const rows = logits(net, z);
        let ids;
        if (decode === "fusion") ids = fusedIds(rows, places, uniform(chances, index, length), net);
        else ids = places ? bestIds(rows, places, length) : argmaxIds(rows);
        return ids.map((id) => (id === UNKNOWN ? "\uFFFD" : characters[id - 2])).join("");
      });
    }
    return { strings, decoders, length };
  }

  return { load, uniform, normal, streamKey };
})();
