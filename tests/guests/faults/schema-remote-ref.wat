;; Has a config schema that would be fetched from elsewhere.
;; schema: { "$ref": "http://127.0.0.1:9/schema.json" }
