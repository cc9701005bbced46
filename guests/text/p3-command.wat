;; A command of WASI 0.3. Does what the first letter of its first argument says, and without one nothing:
;;   exit         ends with the code 7
;;   return       returns an error
;;   sleep        sleeps for an hour
;;   loop         computes for ever
;;   print        writes a line to standard output, and waits until it is written
;;   flood        writes for ever, in streams of 64 KiB, and looks at no error
;;   directories  ends with the number of directories that it sees as the code
;;   names        looks up example.org; ends with 100 and the number of addresses as the code, or with the number of the error
;;   wait         waits for a future of its own, which nobody else can complete
;;   hoard        makes streams for ever
(component
  (import "wasi:cli/environment@0.3.0" (instance $environment
    (export "get-arguments" (func (result (list string))))))
  (import "wasi:cli/exit@0.3.0" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (import "wasi:cli/stdout@0.3.0" (instance $stdout
    (type $code (enum "io" "illegal-byte-sequence" "pipe"))
    (export "error-code" (type $error (eq $code)))
    (export "write-via-stream" (func (param "data" (stream u8)) (result (future (result (error $error))))))))
  (import "wasi:sockets/ip-name-lookup@0.3.0" (instance $names
    (type $v4 (tuple u8 u8 u8 u8))
    (type $v6 (tuple u16 u16 u16 u16 u16 u16 u16 u16))
    (export "ipv4-address" (type $ipv4 (eq $v4)))
    (export "ipv6-address" (type $ipv6 (eq $v6)))
    (type $address (variant (case "ipv4" $ipv4) (case "ipv6" $ipv6)))
    (export "ip-address" (type $ip (eq $address)))
    (type $code (variant (case "access-denied") (case "invalid-argument") (case "name-unresolvable")
      (case "temporary-resolver-failure") (case "permanent-resolver-failure") (case "other" (option string))))
    (export "error-code" (type $error (eq $code)))
    (export "resolve-addresses" (func async (param "name" string) (result (result (list $ip) (error $error)))))))
  (import "wasi:filesystem/types@0.3.0" (instance $types (export "descriptor" (type (sub resource)))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.3.0" (instance $preopens
    (alias outer 1 $descriptor (type $imported))
    (export "descriptor" (type $own (eq $imported)))
    (export "get-directories" (func (result (list (tuple (own $own) string)))))))

  (core module $memory
    (memory (export "memory") 3)
    (global $next (mut i32) (i32.const 131072))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $here i32)
      (local.set $here (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $here) (local.get 3)))
      (local.get $here)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (alias core export $memory "realloc" (core func $realloc))

  (alias export $stdout "error-code" (type $error))
  (type $stream (stream u8))
  (type $written (future (result (error $error))))
  (core func $arguments (canon lower (func $environment "get-arguments") (memory $bytes) (realloc $realloc)))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core func $sleep (canon lower (func $clock "wait-for")))
  (core func $write-via-stream (canon lower (func $stdout "write-via-stream")))
  (core func $directories (canon lower (func $preopens "get-directories") (memory $bytes) (realloc $realloc)))
  (core func $look-up (canon lower (func $names "resolve-addresses") (memory $bytes) (realloc $realloc)))
  (core func $stream.new (canon stream.new $stream))
  (core func $stream.write (canon stream.write $stream async (memory $bytes)))
  (core func $stream.drop-writable (canon stream.drop-writable $stream))
  (core func $future.new (canon future.new $written))
  (core func $future.read (canon future.read $written async (memory $bytes)))
  (core func $future.drop-readable (canon future.drop-readable $written))
  (core func $set.new (canon waitable-set.new))
  (core func $set.wait (canon waitable-set.wait (memory $bytes)))
  (core func $set.drop (canon waitable-set.drop))
  (core func $join (canon waitable.join))

  (core module $command
    (import "memory" "memory" (memory 3))
    (import "wasi" "arguments" (func $arguments (param i32)))
    (import "wasi" "exit" (func $exit (param i32)))
    (import "wasi" "sleep" (func $sleep (param i64)))
    (import "wasi" "write-via-stream" (func $write-via-stream (param i32) (result i32)))
    (import "wasi" "directories" (func $directories (param i32)))
    (import "wasi" "look-up" (func $look-up (param i32 i32 i32)))
    (import "stream" "new" (func $stream.new (result i64)))
    (import "stream" "write" (func $stream.write (param i32 i32 i32) (result i32)))
    (import "stream" "drop-writable" (func $stream.drop-writable (param i32)))
    (import "future" "new" (func $future.new (result i64)))
    (import "future" "read" (func $future.read (param i32 i32) (result i32)))
    (import "future" "drop-readable" (func $future.drop-readable (param i32)))
    (import "set" "new" (func $set.new (result i32)))
    (import "set" "wait" (func $set.wait (param i32 i32) (result i32)))
    (import "set" "drop" (func $set.drop (param i32)))
    (import "set" "join" (func $join (param i32 i32)))
    (data (i32.const 64) "a line of WASI 0.3\n")
    (data (i32.const 96) "example.org")

    ;; Waits until what was begun with one end of a stream or future is done, unless it was done at once.
    (func $wait (param $end i32) (param $begun i32)
      (local $set i32)
      (if (i32.ne (local.get $begun) (i32.const -1)) (then (return)))
      (local.set $set (call $set.new))
      (call $join (local.get $end) (local.get $set))
      (drop (call $set.wait (local.get $set) (i32.const 48)))
      (call $join (local.get $end) (i32.const 0))
      (call $set.drop (local.get $set)))

    ;; Reads what a future holds.
    (func $read (param $future i32) (param $to i32)
      (call $wait (local.get $future) (call $future.read (local.get $future) (local.get $to))))

    ;; Writes to standard output, closes the stream, and gives the future that is done when all is written.
    (func $write (param $at i32) (param $length i32) (result i32)
      (local $ends i64) (local $end i32) (local $written i32)
      (local.set $ends (call $stream.new))
      (local.set $end (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
      (local.set $written (call $write-via-stream (i32.wrap_i64 (local.get $ends))))
      (call $wait (local.get $end) (call $stream.write (local.get $end) (local.get $at) (local.get $length)))
      (call $stream.drop-writable (local.get $end))
      (local.get $written))

    ;; The first letter of the first argument after the program's name, or 0.
    (func $letter (result i32)
      (local $first i32)
      (call $arguments (i32.const 0))
      (if (i32.lt_u (i32.load (i32.const 4)) (i32.const 2)) (then (return (i32.const 0))))
      (local.set $first (i32.add (i32.load (i32.const 0)) (i32.const 8)))
      (if (result i32) (i32.load offset=4 (local.get $first))
        (then (i32.load8_u (i32.load (local.get $first))))
        (else (i32.const 0))))

    (func (export "run") (result i32)
      (local $letter i32)
      (local.set $letter (call $letter))
      (if (i32.eq (local.get $letter) (i32.const 101)) (then (call $exit (i32.const 7))))
      (if (i32.eq (local.get $letter) (i32.const 114)) (then (return (i32.const 1))))
      (if (i32.eq (local.get $letter) (i32.const 115)) (then (call $sleep (i64.const 3600000000000))))
      (if (i32.eq (local.get $letter) (i32.const 108)) (then (loop $for-ever (br $for-ever))))
      (if (i32.eq (local.get $letter) (i32.const 112)) (then
        (call $read (call $write (i32.const 64) (i32.const 19)) (i32.const 32))
        ;; The future holds a result, whose first byte is 1 for an error.
        (return (i32.load8_u (i32.const 32)))))
      (if (i32.eq (local.get $letter) (i32.const 102)) (then
        (loop $for-ever
          (call $future.drop-readable (call $write (i32.const 64) (i32.const 65536)))
          (br $for-ever))))
      (if (i32.eq (local.get $letter) (i32.const 100)) (then
        (call $directories (i32.const 0))
        (call $exit (i32.load (i32.const 4)))))
      (if (i32.eq (local.get $letter) (i32.const 110)) (then
        (call $look-up (i32.const 96) (i32.const 11) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then (call $exit (i32.load8_u (i32.const 4)))))
        (call $exit (i32.add (i32.const 100) (i32.load (i32.const 8))))))
      (if (i32.eq (local.get $letter) (i32.const 119)) (then
        (call $read (i32.wrap_i64 (call $future.new)) (i32.const 32))))
      (if (i32.eq (local.get $letter) (i32.const 104)) (then
        (loop $for-ever
          (drop (call $stream.new))
          (br $for-ever))))
      (i32.const 0)))

  (core instance $command (instantiate $command
    (with "memory" (instance $memory))
    (with "wasi" (instance
      (export "arguments" (func $arguments))
      (export "exit" (func $exit))
      (export "sleep" (func $sleep))
      (export "write-via-stream" (func $write-via-stream))
      (export "directories" (func $directories))
      (export "look-up" (func $look-up))))
    (with "stream" (instance
      (export "new" (func $stream.new))
      (export "write" (func $stream.write))
      (export "drop-writable" (func $stream.drop-writable))))
    (with "future" (instance
      (export "new" (func $future.new))
      (export "read" (func $future.read))
      (export "drop-readable" (func $future.drop-readable))))
    (with "set" (instance
      (export "new" (func $set.new))
      (export "wait" (func $set.wait))
      (export "drop" (func $set.drop))
      (export "join" (func $join))))))

  (func $run async (result (result)) (canon lift (core func $command "run")))
  (instance (export "wasi:cli/run@0.3.0") (export "run" (func $run))))
