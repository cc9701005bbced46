;; A component of the world `heating`; in real life it is compiled from some language with the tools for it.
(component
  (import "acme:heating/sensors@1.0.0" (instance $sensors
    (export "temperature" (func (param "room" string) (result (option f32))))))

  ;; A memory, and an allocator that never takes anything back.
  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (data (i32.const 64) "no thermometer")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get 3)))))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $temperature (canon lower (func $sensors "temperature") (memory $memory)))

  (core module $m
    (import "libc" "memory" (memory 1))
    (import "sensors" "temperature" (func $temperature (param i32 i32 i32)))
    (func (export "decide") (param $room i32) (param $length i32) (param $target f32) (result i32)
      ;; At 0 stands the option: one byte whether there is one, then the temperature.
      (call $temperature (local.get $room) (local.get $length) (i32.const 0))
      ;; At 16 stands the result: one byte whether it is an error, then the action or the text.
      (if (i32.load8_u (i32.const 0))
        (then
          (i32.store8 (i32.const 16) (i32.const 0))
          (i32.store8 (i32.const 20) (f32.ge (f32.load (i32.const 4)) (local.get $target))))
        (else
          (i32.store8 (i32.const 16) (i32.const 1))
          (i32.store (i32.const 20) (i32.const 64))
          (i32.store (i32.const 24) (i32.const 14))))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "sensors" (instance (export "temperature" (func $temperature))))))

  (type $action' (enum "heat" "wait"))
  (func $decide (param "room" string) (param "target" f32) (result (result $action' (error string)))
    (canon lift (core func $i "decide") (memory $memory) (realloc (core func $libc "realloc"))))
  (component $control
    (type $action' (enum "heat" "wait"))
    (import "import-type-action" (type $action (eq $action')))
    (import "import-func-decide" (func $decide (param "room" string) (param "target" f32)
      (result (result $action (error string)))))
    (export $exported "action" (type $action))
    (export "decide" (func $decide)
      (func (param "room" string) (param "target" f32) (result (result $exported (error string))))))
  (instance $control (instantiate $control
    (with "import-type-action" (type $action'))
    (with "import-func-decide" (func $decide))))
  (export "acme:heating/control@1.0.0" (instance $control)))
