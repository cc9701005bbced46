;; Keeps what it is told to log: how many numbers there were, and their sum.
(module
  (global $count (mut i32) (i32.const 0))
  (global $total (mut i32) (i32.const 0))

  (func (export "log") (param $number i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.set $total (i32.add (global.get $total) (local.get $number))))

  (func (export "count") (result i32) (global.get $count))
  (func (export "total") (result i32) (global.get $total)))
