import { nobleBackend, webCryptoBackend } from '@vestibule/keys'
import { verdictSuite } from '../signatures/suite.ts'

verdictSuite('a browser', [webCryptoBackend(), nobleBackend])
