Feature: An employee of the National Health Service monitors a patient

  Background:
    Given a token of client type NHS

  Scenario Outline: by a justification of their own
    Given I justified the monitoring of patient "P"
    When I ask to read every <type> in patient "P"
    Then it is permitted by rule_-2

    Examples:
      | type |
      | episode |
      | encounter |
      | observation |
      | condition |
      | medication_request |
      | medication_dispense |
      | service_request |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | care_plan |
      | activity |

  Scenario Outline: what is not sensitive has a rule of its own beside it
    Given I justified the monitoring of patient "P"
    When I ask to read <type> "R" in patient "P"
    Then it is permitted by rule_-2 and rule_-1

    Examples:
      | type |
      | allergy_intolerance |
      | immunization |
      | risk_assessment |
      | device |
      | medication_statement |

  Scenario: until just before it ends
    Given I justified the monitoring of patient "P" that ends in a second
    When I ask to read encounter "E" in patient "P"
    Then it is permitted by rule_-2

  Scenario: not at the instant of its end
    Given I justified the monitoring of patient "P" that ends now
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not by the justification of another user
    Given another user justified the monitoring of patient "P"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not of another patient
    Given I justified the monitoring of patient "Q"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not of a person merged with the patient
    Given I justified the monitoring of patient "Q"
    And person "Q" is merged with patient "P"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what the rule does not list
    Given I justified the monitoring of patient "P"
    When I ask to read every clinical_impression in patient "P"
    Then it is refused as no_rule_matched

  Scenario: reading alone
    Given I justified the monitoring of patient "P"
    When I ask to write encounter "E" in patient "P"
    Then it is refused as no_rule_matched
