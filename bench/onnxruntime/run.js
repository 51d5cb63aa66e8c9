// ONNX Runtime answers what infer_steps --dump wrote, and is compared with its answers.
//
//   node run.js LIBRARY MODEL DUMP [--batch 32] [--rounds 5]
//
// One thread, all graph optimizations, batches in the dump's order padded to their longest
// text and made before the clock starts. Prints one JSON object: tokens/s per CPU second of
// real tokens, median of the rounds, the largest difference of a log-probability, and how far
// apart all of them are (answers that are all alike would agree for nothing).
'use strict';
const fs = require('fs');
const [library, model, dump] = process.argv.slice(2, 5);
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const ort = require(library);

function pad(texts) {
  const longest = Math.max(...texts.map((t) => t.rows.length));
  const rows = new BigInt64Array(texts.length * longest);
  const real = new Int32Array(texts.length * longest);
  texts.forEach((text, i) => text.rows.forEach((row, t) => {
    rows[i * longest + t] = BigInt(row);
    real[i * longest + t] = 1;
  }));
  const shape = [texts.length, longest];
  return { rows: new ort.Tensor('int64', rows, shape), real: new ort.Tensor('int32', real, shape) };
}

async function main() {
  const texts = JSON.parse(fs.readFileSync(dump, 'utf8'));
  const size = option('batch', 32), batches = [];
  for (let at = 0; at < texts.length; at += size) {
    const some = texts.slice(at, at + size);
    batches.push({ some, feed: pad(some) });
  }
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1,
    executionMode: 'sequential', graphOptimizationLevel: 'all' });
  const feed = (batch) => Object.fromEntries(session.inputNames.map((name) => [name, batch.feed[name]]));
  let worst = 0, least = Infinity, most = -Infinity;
  for (const batch of batches) {
    const { log_probs: answer } = await session.run(feed(batch));
    const want = batch.some.flatMap((t) => t.log_probs);
    answer.data.forEach((x, i) => {
      worst = Math.max(worst, Math.abs(x - want[i]));
      least = Math.min(least, x);
      most = Math.max(most, x);
    });
  }
  const seconds = [];
  for (let round = 0; round < option('rounds', 5); round++) {
    const before = process.cpuUsage();
    for (const batch of batches) await session.run(feed(batch));
    const used = process.cpuUsage(before);
    seconds.push((used.user + used.system) / 1e6);
  }
  seconds.sort((a, b) => a - b);
  const tokens = texts.reduce((sum, t) => sum + t.rows.length, 0);
  console.log(JSON.stringify({ tokens_per_s: tokens / seconds[Math.floor(seconds.length / 2)], tokens,
    texts: texts.length, largest_difference: worst, spread: most - least }));
}
main().catch((error) => { console.error(String(error)); process.exit(1); });
