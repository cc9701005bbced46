;; Logs the numbers 1, 2 and 3 through the module `logger`, and returns how many it logged.
(module
  (import "logger" "log" (func $log (param i32)))

  (func (export "run") (result i32)
    (call $log (i32.const 1))
    (call $log (i32.const 2))
    (call $log (i32.const 3))
    (i32.const 3)))
