import { nobleBackend, webCryptoBackend } from '@vestibule/keys'
import { verdictSuite } from '../verdicts/suite.ts'

verdictSuite('a browser', [webCryptoBackend(), nobleBackend])
