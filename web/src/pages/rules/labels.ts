// The words of what rules have by names of the contract.

export const EVALUATION_WORDS = {
  VALUE: "evalVALUE",
  AVG: "evalAVG",
  MIN: "evalMIN",
  MAX: "evalMAX",
  COUNT: "evalCOUNT",
  NO_DATA: "evalNO_DATA",
  DEVICE_STATE: "evalDEVICE_STATE",
} as const;

export const OPERATOR_WORDS = {
  GT: "opGT",
  GTE: "opGTE",
  LT: "opLT",
  LTE: "opLTE",
  EQ: "opEQ",
  NEQ: "opNEQ",
  IS_TRUE: "opIS_TRUE",
  IS_FALSE: "opIS_FALSE",
  CONTAINS: "opCONTAINS",
} as const;

export const SEVERITY_WORDS = { INFO: "sevINFO", WARNING: "sevWARNING", CRITICAL: "sevCRITICAL" } as const;
