export {
  bombDecoder,
  type Decoder,
  decoderSuite,
  type FuzzOptions,
  fuzzDecoder,
  fuzzOptions,
} from './fuzzing/decoder-suite.ts'
export { fieldsOf, type Mutation, mutate, mutations } from './fuzzing/inputs.ts'
