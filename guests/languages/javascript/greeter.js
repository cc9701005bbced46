// Greets by name, and tells the host's log whom: what `plugins/examples/greeter.rs` does.
import log from 'log';

export const pluginApi = {
  process(name) {
    // What is thrown is the error of the function's result.
    if (name === '') throw 'nobody to greet';
    log(`greeting ${name}`);
    return `Hello, ${name}!`;
  },

  getVersion() {
    return '0.1.0';
  },
};
