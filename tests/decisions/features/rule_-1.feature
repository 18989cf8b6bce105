Feature: An employee reads data that are not sensitive

  Scenario Outline: one record
    Given a token of client type MSP
    When I ask to read <type> "R" in patient "P"
    Then it is permitted by rule_-1

    Examples:
      | type |
      | allergy_intolerance |
      | immunization |
      | risk_assessment |
      | device |
      | medication_statement |

  Scenario Outline: a whole list, without a context
    Given a token of client type MSP
    When I ask to read every <type>
    Then it is permitted by rule_-1

    Examples:
      | type |
      | allergy_intolerance |
      | immunization |
      | risk_assessment |
      | device |
      | medication_statement |

  Scenario: not by a token of the Cabinet
    Given a token of client type CABINET
    When I ask to read immunization "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not by a token of the Cabinet, however it is spelt
    Given a token of client type Cabinet
    When I ask to read immunization "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not by a token that does not say its client type
    Given a token that does not say its client type
    When I ask to read immunization "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what is sensitive
    Given a token of client type MSP
    When I ask to read condition "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: reading alone
    Given a token of client type MSP
    When I ask to update immunization "R" in patient "P"
    Then it is refused as no_rule_matched
