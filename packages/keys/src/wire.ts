export { WireError, type WireErrorCode } from './wire/error.ts'
export {
  bool,
  bytes,
  enumeration,
  type Field,
  nested,
  optional,
  repeated,
  string,
  uint32,
  uint64,
} from './wire/field.ts'
export { type Message, type MessageOf, message } from './wire/message.ts'
