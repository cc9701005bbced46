;; Hostile: never comes back from its start function, so that it cannot even be instantiated.
(component
  (core module $code
    (memory (export "memory") 1)

    (start $start)
    (func $start (loop $again (br $again)))

    ;; The input is the only thing the host ever places here, so it always gets the same place.
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (i32.const 1024))

    (func (export "process") (param $input i32) (param $length i32) (result i32)
      (unreachable))

    ;; Where the pointer to the version and its length stand.
    (func (export "get-version") (result i32) (i32.const 0))
    (data (i32.const 0) "\08\00\00\00" "\05\00\00\00" "6.6.6"))

  (core instance $code (instantiate $code))
  (func $process (param "input" string) (result (result string (error string)))
    (canon lift (core func $code "process") (memory (core memory $code "memory")) (realloc (core func $code "realloc"))))
  (func $get-version (result string)
    (canon lift (core func $code "get-version") (memory (core memory $code "memory"))))

  (type $config (record (field "name" string) (field "debug" bool)))
  (instance (export "my-org:my-plugin/plugin-api@0.1.0")
    (export "config" (type $config))
    (export "process" (func $process))
    (export "get-version" (func $get-version))))
