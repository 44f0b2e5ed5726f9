import { library } from '../../tsup.base.ts'

export default library(['index', 'w3c', 'testing/spec'])
