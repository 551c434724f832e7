;; Has a pattern in its config schema that would be a machine of a gigabyte.
;; schema: { "properties": { "key": { "type": "string", "pattern": "((a{1,1000}){1,1000}){1,1000}" } } }
