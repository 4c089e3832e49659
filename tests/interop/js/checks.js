// One line per check. Checks run one after the other, each with a time limit.
'use strict';

let passed = 0;
let failed = 0;

async function check(name, body, milliseconds = 10_000) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${milliseconds} ms`)), milliseconds);
  });
  try {
    await Promise.race([body(), limit]);
    passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}: ${error.message}`);
  } finally {
    clearTimeout(timer);
  }
}

// Prints the counts and ends the process, with 1 when a check failed.
function finish(title) {
  console.log(`${title}: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

module.exports = { check, finish };
